# newer super/log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
datalad create super
cd super
datalad create -d . inputs/raw
cat .gitmodules
datalad status
