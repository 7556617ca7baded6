# newer super/log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
# newer super/log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
# newer super/log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
# newer super/a/log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
datalad create super
cd super
datalad create -d . a
datalad create -d . a/b
datalad create -d . z
echo 1 > a/b/in
datalad status
datalad status -r
datalad -f json save -r -m deep
echo 2 > a/b/two; echo 3 > a/one
datalad save -r -R 1 -m limited
datalad status -r
datalad save -r -t v1 -m tagged
datalad save -r
