datalad create src > /dev/null
echo one > src/a.txt
echo two > src/b.txt
datalad -C src save > /dev/null

datalad create super
cd super
datalad clone -d . ../src
datalad clone -d . ../src in/deep
datalad -f json clone -d . ../src third
