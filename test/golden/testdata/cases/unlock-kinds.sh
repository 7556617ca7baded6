datalad -f disabled create ds
cd ds
mkdir d; echo 1 > d/a; echo 2 > b; datalad -f disabled save
datalad unlock .
datalad -f json unlock d
datalad unlock d/a b
datalad save
echo text > .gitattributes.txt; datalad -f disabled save --to-git .gitattributes.txt
datalad unlock .gitattributes.txt
echo u > untracked
datalad unlock untracked
datalad -f json unlock nosuch untracked
