# newer log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
# newer log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
datalad -f disabled create super
cd super
datalad -f disabled create -d . a
datalad -f disabled create -d a a/b
datalad -f disabled create -d . "deep/c d"
datalad -f disabled save -d . -r -m nested
datalad subdatasets --set-property mykey value --set-property other "two words" a
cat .gitmodules
datalad -f json subdatasets a
datalad subdatasets --set-property mykey again a
cat .gitmodules
datalad subdatasets --delete-property mykey a
datalad subdatasets --delete-property mykey a
cat .gitmodules
