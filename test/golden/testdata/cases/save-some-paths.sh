datalad create ds
cd ds
echo 1 > one; echo 2 > two; mkdir d; echo 3 > d/three; echo 4 > d/four
datalad save -m one one
datalad save -m d d
datalad save -m missing nosuch
datalad status
