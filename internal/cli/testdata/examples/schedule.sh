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
printf '#!/bin/sh\n#SBATCH --output=/dev/null\ncat "$@" > /dev/null 2>&1; exit 0\n' > job.sh
printf 'rate,seed\n1,10\n2,20\n' > runs.csv
mkdir out
stemma -f disabled save
