# newer log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
# newer log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
datalad -f disabled create super
cd super
datalad -f disabled create -d . a
datalad -f disabled create -d a a/b
datalad -f disabled create -d . "deep/c d"
datalad -f disabled save -d . -r -m nested
cd a
datalad run -m in -o out "echo 1 > out; echo 2 > b/out"
git -C .. status --short
mkdir x; cd x
datalad run -m deeper -o ../b/two "echo 2 > ../b/two; pwd"
cd ../..
datalad status
