# newer stdout: update(ok): . (dataset)\nupdate(ok): . (dataset)\nconf => update(ok): . (dataset)\nconf
datalad create src > /dev/null
echo 1 > src/f.dat
echo 2 > src/g.dat
datalad -C src save > /dev/null
datalad clone src mid
datalad -C mid get f.dat
datalad clone mid end
cd end
datalad get -s origin-2 g.dat
datalad get -s origin f.dat
