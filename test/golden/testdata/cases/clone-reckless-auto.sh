datalad create src > /dev/null
echo one > src/a.txt
echo two > src/b.txt
datalad -C src save > /dev/null

datalad clone --reckless auto src au
cd au
datalad get a.txt
