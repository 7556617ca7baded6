# differs one-commit super/log: commit <super#6>\nparents <super#5>\nauthor Ada Tester <ada@example.org> 2023-11-14T23:13:20+01:00\ncommitter Ada Tester <ada@example.org> 2023-11-14T23:13:20+01:00\n\n[DATALAD] modified subdataset properties\n\n => 
# differs one-commit super/refs: <super#6> => <super#5>
# newer log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
# newer log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
datalad -f disabled create super
cd super
datalad -f disabled create -d . a
datalad -f disabled create -d a a/b
datalad -f disabled create -d . "deep/c d"
datalad -f disabled save -d . -r -m nested
datalad -f disabled subdatasets -r --set-property label x
cat .gitmodules a/.gitmodules
datalad status -r
