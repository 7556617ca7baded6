datalad create ds
cd ds
: > empty; printf '#!/bin/sh\n' > run.sh; chmod 755 run.sh; echo p > private; chmod 600 private; echo r > readonly; chmod 444 readonly
datalad save
ls -l run.sh >/dev/null; git annex find
