datalad create ds
cd ds
echo s > staged; git annex add -q staged; echo p > path
datalad save -m "only path" path
datalad status
datalad save -m rest
