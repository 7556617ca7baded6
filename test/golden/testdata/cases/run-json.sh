datalad create ds
cd ds
datalad -f json run "echo hi > out.txt; echo printed"
