# newer log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
# newer log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
datalad -f disabled create super
cd super
datalad -f disabled create -d . a
datalad -f disabled create -d a a/b
datalad -f disabled create -d . "deep/c d"
datalad -f disabled save -d . -r -m nested
datalad foreach-dataset pwd | sort
datalad foreach-dataset -r pwd | sort
datalad foreach-dataset -r --bottomup pwd | sort
datalad foreach-dataset -r -s pwd | sort
datalad foreach-dataset -r -R 1 pwd | sort
datalad foreach-dataset -r --contains a/b pwd | sort
