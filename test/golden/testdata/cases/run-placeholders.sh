datalad create -c text2git ds
cd ds
git config datalad.run.substitutions.name joe
mkdir d; echo 1 > d/a.dat; echo 2 > d/b.dat; echo 3 > 'x y'
datalad save
datalad run -i d/a.dat -i d/b.dat -o 'x y' 'echo {name} {inputs[1]} {outputs[0]} {inputs} {{x}} ${{LC_ALL}} > res; echo {pwd} {dspath}'
cat res
