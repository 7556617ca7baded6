datalad create src > /dev/null
echo one > src/a.txt
datalad -C src save > /dev/null
datalad -C src create-sibling-ria -s store --new-store-ok --alias mine "ria+file://$PWD/store" > /dev/null
datalad -C src push --to store > /dev/null
datalad clone "ria+file://$PWD/store#~mine" byalias
datalad -f json clone "ria+file://$PWD/store#$(git -C src config -f .datalad/config datalad.dataset.id)@master" byid
