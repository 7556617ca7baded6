# newer log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
# newer log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
datalad -f disabled create super
cd super
datalad -f disabled create -d . a
datalad -f disabled create -d a a/b
datalad -f disabled create -d . "deep/c d"
datalad -f disabled save -d . -r -m nested
echo dirty > untracked
datalad run --explicit -m ex -o a/out -o a/b/x "echo 1 > a/out; echo 2 > a/b/x; echo 3 > a/other"
datalad status -r
git -C a/b log -1 --format=%B
