datalad -f disabled create -c text2git ds
cd ds
datalad -f disabled run -m r1 "echo 1 >> f1"
echo manual > manual; datalad -f disabled save -m manual
datalad -f disabled run -m r2 "echo 2 >> f2"
git checkout -q -b side HEAD~2
datalad -f disabled run -m rside "echo s > side"
git checkout -q master
git merge -q -m "merge side" side
datalad -f disabled run -m r3 "echo 3 >> f3"
datalad rerun --since= --onto= -b replay
git log --graph --format=%s
