# newer log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
# newer log: [DATALAD] Recorded changes => [DATALAD] Created subdataset
datalad -f disabled create super
cd super
datalad -f disabled create -d . a
datalad -f disabled create -d a a/b
datalad -f disabled create -d . "deep/c d"
datalad -f disabled save -d . -r -m nested
datalad -f json foreach-dataset -r --o-s capture git config datalad.x 2>/dev/null
datalad -f json foreach-dataset -r --output-streams capture -- echo "{pwd}" "{dspath}" "{ds.path}" "{refds.path}" | sed 's/"message": "[^"]*", //'
datalad foreach-dataset -r --o-s relpath -- echo hello
datalad foreach-dataset --o-s relpath -d . -r "echo one; echo two"
datalad foreach-dataset --chpwd pwd -r pwd | sort
datalad foreach-dataset -r --o-s capture -- echo hello
