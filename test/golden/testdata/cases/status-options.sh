datalad -f disabled create ds
cd ds
echo 1 > a; echo 2 > b
datalad -f disabled save
datalad status -t raw
datalad status -t eval
datalad -f json status
datalad -f "{path}:{state}" status
datalad status -e nosuch
