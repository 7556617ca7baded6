datalad create ds
cd ds
echo 1 > one; echo 2 > two; chmod +x two
datalad -f json save --to-git -m "in git" one two
echo 3 > three
datalad save three
