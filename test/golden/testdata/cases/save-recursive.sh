# newer super/log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
datalad create super
cd super
datalad create -d . sub
echo 1 > sub/in; echo 2 > top
datalad status
datalad save -m "not below"
datalad save -r -m "all below"
datalad status -r
