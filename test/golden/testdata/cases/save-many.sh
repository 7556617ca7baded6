datalad -f disabled create ds
cd ds
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo $i > f$i; done
datalad save -J 2 -m many
rm f1 f2; git mv f3 g3; echo new > f4.new; chmod +x f5
datalad status
datalad save -m changed
datalad -f json status f6 g3
