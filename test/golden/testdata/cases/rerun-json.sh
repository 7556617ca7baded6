datalad create ds
cd ds
datalad run -o out "echo hi >> out"
datalad -f json rerun
