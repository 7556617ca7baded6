stemma -f disabled create origin
mkdir -p origin/raw/subject1
echo 1 > origin/raw/subject1/scan
stemma -f disabled save -d origin
stemma -f disabled clone origin ds
cd ds
stemma -f disabled get .
stemma -f disabled clone ../origin job1
