# newer log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
# newer log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
datalad -f disabled create super
cd super
datalad -f disabled create -d . a
datalad -f disabled create -d a a/b
datalad -f disabled create -d . "deep/c d"
datalad -f disabled save -d . -r -m nested
mv a ../moved; mkdir a
datalad -f json subdatasets -r
datalad subdatasets --state present
datalad subdatasets --state absent
datalad subdatasets --state any
datalad subdatasets --fulfilled true
datalad subdatasets --fulfilled false
