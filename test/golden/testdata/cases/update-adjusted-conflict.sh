datalad create src > /dev/null
echo one > src/one.dat
datalad -C src save -m one > /dev/null
datalad clone src c > /dev/null
cd c
datalad get one.dat > /dev/null
git annex adjust --unlock > /dev/null 2>&1
cd ../src
datalad unlock one.dat > /dev/null
echo theirs > one.dat
datalad save -m theirs > /dev/null
cd ../c
rm one.dat
echo ours > one.dat
datalad save -m ours > /dev/null
datalad update -s origin --how merge
git log --graph --format=%s
git ls-tree -r HEAD | grep one
git ls-tree -r master | grep one
datalad update -s origin --how merge
git log --graph --format=%s
