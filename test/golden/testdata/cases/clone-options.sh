datalad create src > /dev/null
echo one > src/a.txt
echo two > src/b.txt
datalad -C src save > /dev/null

git -C src branch side
datalad clone -D 'on a shelf' src dst -- --branch side
datalad clone src bare -- --no-checkout
datalad clone src shallow -- --origin up
