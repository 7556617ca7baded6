datalad create ds
cd ds
mkdir -p d/e; echo 1 > d/e/f; echo 2 > g
datalad status --untracked no
datalad status --untracked normal
datalad status --untracked all
