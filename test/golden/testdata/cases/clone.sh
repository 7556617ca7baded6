datalad create src > /dev/null
echo one > src/a.txt
echo two > src/b.txt
datalad -C src save > /dev/null

datalad clone src dst
datalad clone "$PWD/src"
mkdir other; cd other
datalad clone ../src
