datalad -f disabled create ds
cd ds
mkdir -p u/v; echo 1 > u/v/x; echo 2 > u/y
datalad diff
datalad diff --untracked all
datalad diff u
datalad diff u/
datalad diff u/y
cd u
datalad diff
datalad diff y
