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
stemma -f disabled schedule -o job.txt sbatch --wrap 'echo 1 > job.txt'
n=0; until stemma finish > ../finish.log 2>&1; do n=$((n+1)); test $n -lt 100; sleep 0.1; done
