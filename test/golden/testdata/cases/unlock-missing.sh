datalad create ds
cd ds
echo 1 > one
datalad save
datalad unlock nosuch
echo u > untracked
datalad unlock untracked
