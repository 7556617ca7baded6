datalad create ds
cd ds
echo 1 > f
datalad save -m first
echo 2 > g
datalad save --amend -m second
