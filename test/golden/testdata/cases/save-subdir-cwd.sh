datalad create ds
cd ds
mkdir d; echo 1 > d/in; echo 2 > out
cd d
datalad save -m "from within"
