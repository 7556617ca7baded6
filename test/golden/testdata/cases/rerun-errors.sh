datalad -f disabled create -c text2git ds
cd ds
datalad -f disabled run -m r1 "echo 1 >> f1"
echo manual > manual; datalad -f disabled save -m manual
datalad -f disabled run -m r2 "echo 2 >> f2"
datalad rerun --onto nope
datalad rerun -b master
datalad rerun nosuch
datalad rerun --since nosuch
