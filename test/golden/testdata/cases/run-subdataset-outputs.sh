# newer stdout: [DATALAD] Recorded changes => [DATALAD] Created subdataset
# newer stdout: [DATALAD] Recorded changes => [DATALAD] Created subdataset
# newer log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
# newer log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
datalad -f disabled create super
cd super
datalad -f disabled create -d . a
datalad -f disabled create -d a a/b
datalad -f disabled create -d . "deep/c d"
datalad -f disabled save -d . -r -m nested
datalad run -m into -o a/out "echo 1 > a/out"
git -C a log -1 --format=%B
datalad run -m both -o a/b/out -o top "echo 2 > a/b/out; echo 3 > top"
datalad -f json run -m "three levels" "for d in . a a/b \"deep/c d\"; do echo x > \"\$d/all\"; done"
git log --format=%s
datalad status -r
