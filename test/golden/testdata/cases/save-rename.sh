datalad create ds
cd ds
echo a > a; echo b > b
datalad save
mkdir sub; mv a sub/a2; git mv b c
datalad status
datalad save -m moved
