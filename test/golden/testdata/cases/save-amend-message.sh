datalad create ds
cd ds
echo 1 > f
datalad save -m first
datalad save --amend -m second
datalad save --amend
echo 2 > g
datalad save --amend
datalad -f json save --amend -m third
