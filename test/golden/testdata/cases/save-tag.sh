datalad create ds
cd ds
echo 1 > f
datalad save -m tagged -t v1
datalad save -t v1-again
