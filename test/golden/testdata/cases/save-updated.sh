datalad create ds
cd ds
echo 1 > one
datalad save
rm one; echo changed > one; echo new > new
datalad save -u -m updated
datalad status
