# differs unchanged-subdataset stdout: add(ok): b (dataset)\nadd(ok): .gitmodules (file)\nadd(ok): a (dataset)\nadd(ok): .gitmodules (file)\nadd(ok): z => add(ok): z
# differs unchanged-subdataset stdout: add (ok: 6) => add (ok: 2)
# newer log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
# newer log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
datalad -f disabled create super
cd super
datalad -f disabled create -d . a
datalad -f disabled create -d a a/b
datalad -f disabled create -d . "deep/c d"
datalad -f disabled save -d . -r -m nested
echo 1 > a/b/x; echo 2 > z; datalad -f disabled save -r -m data
datalad unlock -r .
datalad status -r
datalad save -r
datalad unlock a/b/x
datalad status -r
