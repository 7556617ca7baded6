datalad create src > /dev/null
datalad clone src c > /dev/null
datalad create lone > /dev/null
datalad -C lone update
echo two > src/b.dat
datalad -C src save -m 'from src' > /dev/null
cd c
echo mine > own.dat
datalad save -m own > /dev/null
datalad -f json update --how reset
git log --format=%s
echo three > ../src/c.dat
datalad -C ../src save -m 'again' > /dev/null
datalad -f json update --how checkout
git symbolic-ref -q HEAD; git log -1 --format=%s
