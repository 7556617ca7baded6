# skip worktree: the texts of the README files are our own
# skip tree: the texts of the README files are our own
datalad -f json create -c text2git -c yoda ds
cat ds/.gitattributes
