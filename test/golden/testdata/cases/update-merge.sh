datalad create src > /dev/null
printf '1\n2\n3\n4\n5\n' > src/text
git -C src add text
datalad -C src save -m text > /dev/null
datalad clone src c > /dev/null
cd c
printf '1\n2\n3\n4\ntheirs\n' > ../src/text
git -C ../src add text
echo new > ../src/new.dat
datalad -C ../src save -m theirs > /dev/null
printf 'ours\n2\n3\n4\n5\n' > text
git add text
datalad save -m ours > /dev/null
datalad -f json update -s origin --how merge
git log --graph --format=%B
cat text
git status --short
printf 'ours\n2\n3\n4\nagain\n' > text
git add text
datalad save -m 'ours again' > /dev/null
printf '1\n2\n3\n4\ntheirs again\n' > ../src/text
git -C ../src add text
echo newer > ../src/newer.dat
datalad -C ../src save -m 'theirs again' > /dev/null
datalad update -s origin --how merge | grep -v '^merge(error)' | grep -v '^Auto' | grep -v CONFLICT
cat text .git/MERGE_MSG
git status --short
git rev-parse MERGE_HEAD | grep -c .
git log --format=%s
