datalad create super > /dev/null
cd super
datalad create a > /dev/null
datalad create a/aa > /dev/null
echo 1 > a/aa/f.txt
datalad save -r > /dev/null
cd ..
datalad clone "$PWD/super" c
cd c
datalad -f json get -n a
datalad -f json get a/aa/f.txt
datalad -f json get a/aa/f.txt
datalad -f json get -n -r .
datalad -f json get -r a
datalad -f json get nothing
