datalad create ds
cd ds
echo 1 > one; mkdir d; echo 2 > d/two; echo t > t; git add t
datalad save
datalad unlock one
datalad -f json unlock d
datalad unlock one
datalad status
cat one
