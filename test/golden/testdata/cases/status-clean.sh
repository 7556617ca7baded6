datalad create ds
cd ds
datalad status
mkdir empty
datalad status
