datalad create src > /dev/null
echo 1 > src/f
datalad -C src save > /dev/null
datalad create super > /dev/null
datalad -C super clone -d . ../src sub > /dev/null
echo 2 > src/g
datalad -C src save > /dev/null
datalad clone "$PWD/super" c
cd c
datalad get -n sub
git -C sub status -sb
