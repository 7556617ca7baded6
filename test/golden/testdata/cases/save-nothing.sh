datalad create ds
cd ds
datalad save
datalad -f json save -m again
