datalad create -c text2git ds
cd ds
printf '#!/bin/sh\n' > run.sh; chmod 755 run.sh
datalad save
chmod 644 run.sh
datalad status
datalad save -m "mode only"
