# newer super/log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
# newer super/log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
# newer super/a/log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
datalad create super
cd super
datalad -f json create -d . a
datalad -f json create -d . a/deep/b
datalad status -r
cat .gitmodules a/.gitmodules
