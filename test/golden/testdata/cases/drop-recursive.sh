datalad create super > /dev/null
cd super
datalad create sub > /dev/null
echo 1 > sub/f.dat
echo 2 > g.dat
datalad save -r > /dev/null
cd ..
datalad clone "$PWD/super" c > /dev/null
cd c
datalad get -r . > /dev/null
datalad drop -r .
datalad -f json drop --what all -r sub
datalad get -n sub > /dev/null
datalad -f json drop --what datasets -d . sub
ls
