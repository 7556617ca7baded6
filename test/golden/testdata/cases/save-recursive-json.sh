# newer log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
# newer log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
datalad -f disabled create super
cd super
datalad -f disabled create -d . a
datalad -f disabled create -d a a/b
datalad -f disabled create -d . "deep/c d"
datalad -f disabled save -d . -r -m nested
echo 1 > a/b/x; echo 2 > "deep/c d/y"; echo 3 > z
datalad -f json save -r -m all
datalad save -d . -r -R 1 -m nothing
