datalad create -c text2git ds
cd ds
touch i1 i2; echo > o0
datalad save
datalad run -i 'i*' -o 'o*' --expand inputs "echo {outputs} > o1"
datalad run -i 'i*' -o 'o*' --expand outputs "echo x > o2"
