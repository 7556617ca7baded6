datalad create -c text2git ds
cd ds
echo 1 > in1.txt; echo 2 > 'in 2.txt'
datalad save
datalad run -i in1.txt -i 'in*.txt' -o 'o*.txt' -o new.dat "cat {inputs} > new.dat"
datalad run -i 'in*.txt' -o new.dat --expand both "cat {inputs} > {outputs}; cat {outputs}"
