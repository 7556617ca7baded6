datalad create ds
cd ds
datalad run -m "simple run" "echo hi > out.txt"
