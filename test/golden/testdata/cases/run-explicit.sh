datalad create ds
cd ds
echo a > a; echo b > b
datalad save
rm b; echo dirty > b; echo new > new
datalad run --explicit -i a -o out -o missing "cat a > out; echo stray > stray"
datalad status
