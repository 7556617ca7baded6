# newer log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
# newer log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
datalad -f disabled create super
cd super
datalad -f disabled create -d . a
datalad -f disabled create -d a a/b
datalad -f disabled create -d . "deep/c d"
datalad -f disabled save -d . -r -m nested
head -c 2000 /dev/zero > a/b/one; echo 2 > a/two; echo 3 > three
datalad -f disabled save -d . -r -m files
datalad status --annex
datalad status -r --annex basic
datalad status -r --annex availability
datalad -f json status -r --annex all
datalad status --annex all three
