git init -q ds && cd ds
echo code > main.c && git add main.c && git commit -qm "old history"
datalad create --force
datalad status
