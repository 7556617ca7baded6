datalad create ds
cd ds
mkdir d; echo 1 > d/a; echo 2 > b
datalad status d
datalad status nosuch
cd d
datalad status
datalad status -d ..
datalad status -d .. a
