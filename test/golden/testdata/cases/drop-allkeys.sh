datalad create src > /dev/null
echo one > src/a.dat
datalad -C src save > /dev/null
datalad clone src c > /dev/null
cd c
datalad get a.dat > /dev/null
datalad -f json drop --what allkeys -d .
datalad drop --what allkeys a.dat
datalad -f json drop --what allkeys -d .
cd ../src
datalad -f json drop --what allkeys -d . || echo "exit $?"
