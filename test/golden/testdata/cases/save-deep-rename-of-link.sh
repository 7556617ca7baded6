datalad create ds
cd ds
mkdir -p x/y; echo a > a
datalad save
mv a x/y/a
datalad -f json save
readlink x/y/a
