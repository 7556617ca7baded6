# newer super/log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
datalad create super
cd super
datalad create -d . sub
datalad status -e no
echo 1 > sub/f
datalad status -e no
datalad status -e commit
datalad status -e full
datalad -f json status -e commit
datalad -f json status -e no
datalad -f json status -r
datalad status --untracked no
datalad status -r --untracked no
datalad status -d . sub
datalad status -d . sub/
datalad status sub
datalad status sub/f
datalad status -r -e commit
