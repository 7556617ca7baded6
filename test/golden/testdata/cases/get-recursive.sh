datalad create super > /dev/null
cd super
datalad create a > /dev/null
datalad create b > /dev/null
datalad create a/aa > /dev/null
echo 1 > a/aa/f.txt
echo 2 > b/g.txt
echo 3 > h.txt
datalad save -r > /dev/null
cd ..
datalad clone "$PWD/super" c1
datalad clone "$PWD/super" c2
datalad clone "$PWD/super" c3
datalad -C c1 get -n -r -J 1 .
datalad -C c2 get -r -R 1 -J 1 .
datalad -C c3 get -r a
datalad -C c3 get -r a
datalad -C c3 get -r -R existing .
