datalad create src > /dev/null
cd src
echo one > one.dat
echo sub > sub.dat
git annex add one.dat sub.dat > /dev/null 2>&1
datalad save -m one > /dev/null
cd ..
datalad clone src c > /dev/null
cd c
datalad get one.dat > /dev/null
git annex adjust --unlock > /dev/null 2>&1
cd ../src
echo two > two.dat
mkdir d
git mv sub.dat d/sub.dat
datalad save -m two > /dev/null
cd ../c
datalad update
git log --format=%s
datalad update -s origin --how merge
git log --format=%s
git ls-tree -r HEAD one.dat d two.dat
git ls-tree -r master one.dat d two.dat
cat one.dat
echo mine > mine.dat
datalad save -m mine > /dev/null
cd ../src
echo three > three.dat
datalad save -m three > /dev/null
cd ../c
datalad update -s origin --how merge
git log --graph --format=%s
git ls-tree -r HEAD mine.dat three.dat
git ls-tree -r master mine.dat three.dat
datalad update --how merge
git status --short
datalad update --how ff-only
datalad update --how reset
datalad update --how checkout
