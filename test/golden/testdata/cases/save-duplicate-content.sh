datalad create ds
cd ds
echo same > a.txt; echo same > b.txt; echo same > c.dat
datalad save
