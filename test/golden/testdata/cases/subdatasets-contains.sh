# newer log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
# newer log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
datalad -f disabled create super
cd super
datalad -f disabled create -d . a
datalad -f disabled create -d a a/b
datalad -f disabled create -d . "deep/c d"
datalad -f disabled save -d . -r -m nested
datalad subdatasets --contains a/b/file
datalad subdatasets -r --contains a/b/file
datalad -f json subdatasets -r --contains a/b/file --contains "deep/c d"
datalad subdatasets --contains nosuch
datalad -f json subdatasets -r --contains nosuch --contains a/x
