datalad create ds
cd ds
mkdir d; echo 1 > d/in; echo 2 > d/other
cd d
datalad save -m one in
datalad -C .. save -m other d/other
