datalad -f disabled create ds
cd ds
echo 1 > f; datalad -f disabled save
datalad run-procedure cfg_noannex
git branch
