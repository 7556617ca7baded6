# newer super/log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
datalad create super
cd super
datalad create -d . sub
echo 1 > sub/f
datalad run "echo 1 > out"
datalad status
