datalad create -c text2git ds
cd ds
echo 1 > in1.txt; echo 2 > 'in 2.txt'
datalad save
datalad run --dry-run basic -i 'in*.txt' -o out.txt "cat {inputs} > {outputs}"
datalad run --dry-run command -i 'in*.txt' -o out.txt "cat {inputs} > {outputs}"
datalad -f json run --dry-run basic -i 'in*.txt' -o out.txt "cat {inputs} > {outputs}"
datalad run --dry-run basic "echo plain"
