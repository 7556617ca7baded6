datalad create ds
cd ds
datalad run "echo 1 > one"
echo x > x
datalad rerun
