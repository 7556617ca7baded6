datalad create ds
cd ds
datalad run 'echo {nokey}'
git log --oneline | wc -l
