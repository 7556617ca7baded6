datalad create ds
cd ds
datalad rerun
datalad rerun nosuchrev
