datalad create src > /dev/null
echo one > src/a.dat
echo two > src/b.dat
datalad -C src save > /dev/null
datalad clone src c > /dev/null
git -C src checkout -q -b elsewhere
cd c
datalad push --to origin
echo three > c.dat
echo three > twin.dat
datalad save > /dev/null
datalad push
datalad -f json push --to origin
datalad push --to nowhere
datalad push origin
datalad push --since '^' --to origin
cd ..
datalad -C src status
