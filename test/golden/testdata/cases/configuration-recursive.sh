# newer log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
# newer log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
datalad -f disabled create super
cd super
datalad -f disabled create -d . a
datalad -f disabled create -d a a/b
datalad -f disabled create -d . "deep/c d"
datalad -f disabled save -d . -r -m nested
datalad configuration -r set my.key=value
datalad configuration -r get my.key
datalad -f json configuration -r get my.key
datalad configuration -r -R 1 unset my.key
git -C a/b config my.key
