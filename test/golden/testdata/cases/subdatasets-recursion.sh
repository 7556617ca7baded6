# newer log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
# newer log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
datalad -f disabled create super
cd super
datalad -f disabled create -d . a
datalad -f disabled create -d a a/b
datalad -f disabled create -d . "deep/c d"
datalad -f disabled save -d . -r -m nested
datalad subdatasets -r -R 1
datalad subdatasets -r -R 2
datalad subdatasets -r -R 0
datalad subdatasets -r --bottomup
datalad subdatasets --bottomup
