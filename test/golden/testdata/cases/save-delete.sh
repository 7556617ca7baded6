datalad create ds
cd ds
echo a > a; echo b > b; mkdir d; echo c > d/c
datalad save
rm a; rm -r d
datalad status
datalad save -m gone
