datalad create -c text2git ds
cd ds
datalad run -m one "echo 1 >> one"
datalad run -m two "echo 2 >> two"
datalad rerun --since= --onto= -b replay
git log --format=%s --graph --all --exclude=git-annex | grep -v 'branch created\|update$' | head -20
