datalad create ds
cd ds
echo 1 > one; echo 2 > two
datalad save
datalad unlock one two
echo more >> one
datalad status
datalad save -m relock
