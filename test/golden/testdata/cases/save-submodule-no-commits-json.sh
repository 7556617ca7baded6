# skip worktree: DataLad leaves an empty .gitmodules behind
# skip status: DataLad leaves an empty .gitmodules behind
datalad create ds
cd ds
git init -q n
datalad -f json save -m x
