# skip tree: the commit of b is nowhere to be named by
# newer super/log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
# newer super/log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
datalad create super
cd super
datalad create -d . a
datalad create -d . b
chmod -R u+w a; rm -rf a
datalad status
datalad save -m "without a"
cat .gitmodules
chmod -R u+w b; rm -rf b; mkdir b
datalad status
datalad save -m nothing
