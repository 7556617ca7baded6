# newer log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
# newer log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
datalad -f disabled create super
cd super
datalad -f disabled create -d . a
datalad -f disabled create -d a a/b
datalad -f disabled create -d . "deep/c d"
datalad -f disabled save -d . -r -m nested
echo 1 > a/b/one; echo 2 > a/two; echo 3 > three
datalad diff
datalad diff -r
datalad -f json diff -r -R 1
datalad -f disabled save -d . -r -m files
datalad diff -r
datalad diff -r -f HEAD~1
datalad diff -r -f HEAD~1 -t HEAD
datalad -f json diff -r -f HEAD~1 -t HEAD
datalad diff -f HEAD~1 -t HEAD a/
datalad diff -f HEAD~1 -t HEAD a
datalad diff -f HEAD~1 -t HEAD a/two
