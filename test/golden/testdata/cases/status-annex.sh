datalad create ds
cd ds
echo 12345 > a; printf '%2000s' x > b.dat; ln -s a l
datalad save
datalad status --annex basic
datalad status --annex availability
datalad status --annex all
datalad -f json status --annex all
