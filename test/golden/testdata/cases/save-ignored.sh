datalad -f disabled create ds
cd ds
echo "*.log" > .gitignore; echo 1 > x.log; echo 2 > a; mkdir d; echo 3 > d/y.log; echo 4 > d/b
datalad save -m ignoring
datalad save x.log
datalad status
datalad status --untracked all
