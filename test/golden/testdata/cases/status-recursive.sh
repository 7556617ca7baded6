# newer log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
# newer log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
datalad -f disabled create super
cd super
datalad -f disabled create -d . a
datalad -f disabled create -d a a/b
datalad -f disabled create -d . "deep/c d"
datalad -f disabled save -d . -r -m nested
echo 1 > a/b/one; echo 2 > a/two; echo 3 > three
datalad status
datalad status -r
datalad status -r -R 1
datalad -f json status -r
datalad status -r -e commit
datalad status -d . a
datalad status -d . a/
datalad status -d . a a/
datalad status a
cd a
datalad status
datalad status -d ..
datalad status -d ^ -r .
