stemma -f disabled create ds
cd ds
mkdir raw
echo 1 > raw/scan
stemma -f disabled save
