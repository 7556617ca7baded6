# skip tree: the READMEs are worded otherwise
# skip worktree: the READMEs are worded otherwise
datalad -f disabled create ds
cd ds
datalad run-procedure cfg_text2git
cat .gitattributes
datalad run-procedure cfg_text2git
datalad run-procedure cfg_yoda
datalad run-procedure nosuch
datalad run-procedure
