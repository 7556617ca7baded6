stemma -f disabled create -c text2git ds
cd ds
mkdir data results
printf '3\n1\n2\n' > raw.csv
echo in > data/in.csv
echo notes > notes.txt
echo result > results/one
printf '#!/bin/sh\ncat "$@"\n' > clean.py
cp clean.py clean.sh
chmod +x clean.py clean.sh
stemma -f disabled save
git tag v1
stemma -f disabled run -m one -o made.txt 'echo one > made.txt'
git init -q --bare ../store.git
git remote add store ../store.git
git push -q store HEAD git-annex
