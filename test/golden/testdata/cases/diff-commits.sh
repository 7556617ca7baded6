datalad -f disabled create -c text2git ds
cd ds
mkdir d
echo 1 > d/text; head -c 100 /dev/zero > d/bin; echo gone > gone; ln -s d/text link
datalad -f disabled save -m one
echo 2 >> d/text; rm gone; datalad -f disabled unlock d/bin; echo x >> d/bin; echo new > new
datalad -f disabled save -m two
datalad diff
datalad diff -f HEAD~1
datalad diff -f HEAD~1 -t HEAD
datalad -f json diff -f HEAD~1 -t HEAD
datalad diff --from HEAD --to HEAD~1
datalad -f json diff --from HEAD --to HEAD~1 d
git tag v1 HEAD~1
datalad diff -f v1
