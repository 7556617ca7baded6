datalad create ds
cd ds
echo a > a; echo b > b
datalad save
datalad run -m "remove and link" "rm a; ln -s b c; mkdir d; echo e > d/e"
