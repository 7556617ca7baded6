# skip worktree: DataLad leaves an empty .gitmodules behind
# skip status: DataLad leaves an empty .gitmodules behind
datalad create ds
cd ds
git init -q n; echo 1 > f
datalad save
