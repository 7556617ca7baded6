datalad -f disabled create -c text2git ds
cd ds
datalad -f disabled run -m r1 "echo 1 >> f1"
echo manual > manual; datalad -f disabled save -m manual
datalad -f disabled run -m r2 "echo 2 >> f2"
datalad rerun --report --since=
datalad -f json rerun --report --since= --onto=
datalad rerun -m "new title"
git log -1 --format=%s
datalad rerun --since HEAD~1 -m other
