datalad create -c text2git ds
cd ds
datalad run -o out "echo hi >> out"
datalad rerun -m "again with words"
