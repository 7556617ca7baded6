datalad create top > /dev/null
cd top
datalad create a > /dev/null
datalad save > /dev/null
datalad siblings add -r -s up --url ../elsewhere | grep -v ^subdataset
datalad siblings add -r -s named --url '../%NAME' | grep -v ^subdataset
datalad siblings query -r -s up | grep -v ^subdataset
datalad siblings query -r -s named | grep -v ^subdataset
datalad siblings remove -r -s up | grep -v ^subdataset
