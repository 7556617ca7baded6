# newer stdout: exit 1 => exit 4
# newer log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
# newer log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
datalad -f disabled create super
cd super
datalad -f disabled create -d . a
datalad -f disabled create -d a a/b
datalad -f disabled create -d . "deep/c d"
datalad -f disabled save -d . -r -m nested
datalad run "echo 1 > a/out; exit 4"
datalad status -r
datalad save -d . -r -F .git/COMMIT_EDITMSG
git -C a log -1 --format=%s
