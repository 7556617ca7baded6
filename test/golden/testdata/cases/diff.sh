datalad -f disabled create -c text2git ds
cd ds
mkdir d
echo 1 > d/text; head -c 100 /dev/zero > d/bin; echo gone > gone; ln -s d/text link
datalad -f disabled save -m one
echo 2 >> d/text; rm gone; datalad -f disabled unlock d/bin; echo x >> d/bin; echo new > new
datalad diff
datalad -f json diff
datalad diff -f HEAD d
datalad diff --untracked no
datalad diff --untracked all
