datalad create ds
cd ds
datalad run "true"
datalad -f json run "true"
