# differs refused-path stdout: dataset]\nuntracked: new (file)\n modified: d/bin (file)\n modified: d/text (file)\n  deleted: gone (file)\n => dataset]\n
datalad -f disabled create -c text2git ds
cd ds
mkdir d
echo 1 > d/text; head -c 100 /dev/zero > d/bin; echo gone > gone; ln -s d/text link
datalad -f disabled save -m one
echo 2 >> d/text; rm gone; datalad -f disabled unlock d/bin; echo x >> d/bin; echo new > new
datalad diff -f nope
datalad -f json diff -t nope
datalad diff nosuch
datalad diff ..
