# skip worktree: the texts of the README files are our own
# skip tree: the texts of the README files are our own
datalad create -c yoda ds
cd ds
git ls-files
cat .gitattributes code/.gitattributes
wc -c CHANGELOG.md
echo 1 > code/a.sh; echo 2 > data
datalad save
git ls-tree HEAD code/a.sh data
