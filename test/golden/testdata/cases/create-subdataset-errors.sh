# newer super/log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
datalad create super
cd super
datalad create -d . sub
mkdir c; echo 1 > c/x; datalad save -m content
datalad create -d . sub
datalad -f json create sub
datalad create -d . ../else
datalad -f json create -d . ../else
datalad create -d . c
datalad status
