datalad create src > /dev/null
echo one > src/a.dat
echo two > src/b.dat
echo one > src/same.dat
datalad -C src save > /dev/null
datalad clone src c > /dev/null
cd c
datalad get . > /dev/null
git annex required . 'include=a*' > /dev/null
datalad -f json drop a.dat b.dat
datalad -f json drop same.dat
datalad drop .
datalad -f json drop --what allkeys -d .
