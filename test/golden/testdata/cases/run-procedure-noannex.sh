datalad -f disabled create ds
cd ds
datalad run-procedure cfg_noannex
git show --stat --format=%s
git branch
