datalad create super > /dev/null
cd super
datalad create sub > /dev/null
datalad create sub/deep > /dev/null
echo 1 > sub/deep/f.txt
echo 2 > sub/g.txt
datalad save -r > /dev/null
cd ..
datalad clone "$PWD/super" c
cd c
datalad get -n sub
datalad get sub/deep/f.txt
datalad get sub/deep/f.txt
datalad get -n sub/deep
datalad get sub
datalad get sub/nothing
