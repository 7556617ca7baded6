datalad -f disabled create ds
cd ds
echo 1 > a; echo 2 > b; echo 3 > c
datalad -f disabled save
git rm -q --cached a; git mv b bb; rm c; mkdir c; echo 4 > c/d
datalad diff
datalad -f json diff
