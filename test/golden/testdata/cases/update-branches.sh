datalad create src > /dev/null
echo one > src/a.dat
datalad -C src save > /dev/null
git -C src branch side
datalad clone src c > /dev/null
cd c
git checkout -q -b side
git branch -q -u origin/master
echo two > ../src/b.dat
datalad -C ../src save -m two > /dev/null
datalad update -s origin --how reset
git log --format=%s
git -C ../src branch -q -f side master
datalad -f json update --how merge
git log --format=%s
datalad update --how merge --merge
datalad update --how-subds merge --merge ff-only
