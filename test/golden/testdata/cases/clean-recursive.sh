# newer log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
# newer log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
datalad -f disabled create super
cd super
datalad -f disabled create -d . a
datalad -f disabled create -d a a/b
datalad -f disabled create -d . "deep/c d"
datalad -f disabled save -d . -r -m nested
mkdir -p a/.git/annex/tmp/q .git/annex/transfer
datalad clean -r --dry-run
datalad clean -r
datalad clean -r -R 1
datalad clean --what nosuch
