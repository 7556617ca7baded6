# newer log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
# newer log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
datalad -f disabled create super
cd super
datalad -f disabled create -d . a
datalad -f disabled create -d a a/b
datalad -f disabled create -d . "deep/c d"
datalad -f disabled save -d . -r -m nested
echo 1 > a/b/x; echo 2 > a/y
datalad save -R 1 -r -m limited
datalad status -r
datalad save -d . a/b/x -m named
datalad status -r
git log --format=%s -2
