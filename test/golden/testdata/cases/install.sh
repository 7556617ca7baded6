datalad create src > /dev/null
echo one > src/a.dat
datalad create src/sub > /dev/null
echo two > src/sub/s.dat
datalad -C src save -r -m all > /dev/null
datalad install -s "$PWD/src" -g one
datalad -f json install -s "$PWD/src" -r two
datalad create super > /dev/null
cd super
datalad install -d . -s "$WORK/src" -r -g three
cd ../one
datalad install sub
datalad -f json install sub
datalad -f json install -g sub/s.dat
datalad -f json install -g -d . a.dat
datalad install nosuch
