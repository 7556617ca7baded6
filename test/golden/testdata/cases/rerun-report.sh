datalad create -c text2git ds
cd ds
datalad run -m "simple run" -o out.txt "echo hi > out.txt"
echo m > m
datalad save -m manual
datalad -f json rerun --report --since=
datalad rerun --report
