datalad create -c text2git ds
cd ds
mkdir -p d/e; echo 1 > d/e/f1.dat
datalad save
cd d
datalad run -m sub -i e/f1.dat -o q "cat {inputs} > q; echo in a subfolder > w; echo {pwd} {dspath}"
cat q w
