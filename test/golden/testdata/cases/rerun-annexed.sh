datalad -f disabled create -c text2git ds
cd ds
datalad -f disabled run -m r1 "echo 1 >> f1"
echo manual > manual; datalad -f disabled save -m manual
datalad -f disabled run -m r2 "echo 2 >> f2"
datalad -f disabled run -m multi -o a.dat "head -c 100 /dev/zero > a.dat; echo >> t; cat t >> a.dat"
datalad -f json rerun
git log -1 --format=%B | grep -c chain
