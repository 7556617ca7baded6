# newer log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
# newer log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
datalad -f disabled create super
cd super
datalad -f disabled create -d . a
datalad -f disabled create -d a a/b
datalad -f disabled create -d . "deep/c d"
datalad -f disabled save -d . -r -m nested
datalad run -m one -o a/out "echo 1 > a/out"
datalad run -m again -o a/out "echo 2 >> a/out"
datalad rerun
cat a/out
datalad rerun HEAD~1
datalad rerun --report HEAD~1
