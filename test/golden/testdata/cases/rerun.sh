datalad create -c text2git ds
cd ds
datalad run -m counted -o n "echo x >> n"
datalad rerun
datalad rerun
cat n
