datalad create -c text2git ds
cd ds
datalad run -m "simple run" "echo hi > out.txt"
datalad run "echo ho > out2.txt"
datalad run -m $'two\nlines' -i out.txt "cat {inputs} > out3.txt"
datalad rerun --script - --since=
datalad rerun --script ../script
cat ../script
