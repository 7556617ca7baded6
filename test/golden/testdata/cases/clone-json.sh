datalad create src > /dev/null
echo one > src/a.txt
echo two > src/b.txt
datalad -C src save > /dev/null

datalad -f json clone src dst
datalad -f json clone "file://$PWD/src" fu
datalad -f json clone "$PWD/src" dst
datalad -f json clone src dst
