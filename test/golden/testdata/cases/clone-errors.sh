datalad create src > /dev/null
echo one > src/a.txt
echo two > src/b.txt
datalad -C src save > /dev/null

datalad clone nothing-there x
mkdir full; echo x > full/file
datalad clone src full
datalad clone src src
mkdir empty
datalad clone nothing-there empty
ls -d empty x
datalad clone 'ria+file:///W/store#not-an-id' y
datalad clone -d src src elsewhere
