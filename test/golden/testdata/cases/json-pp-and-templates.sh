datalad create ds
cd ds
echo 1 > one; echo 2 > two
datalad -f json_pp save -m x
echo 3 > three
datalad -f '{action} {status} {path} {type} {nope} {refds}' save
echo 4 > four
datalad -f disabled save
datalad -f generic save
