datalad create ds
cd ds
echo 1 > in
datalad save -m in > /dev/null
git annex adjust --unlock > /dev/null 2>&1
datalad run -m one -i in -o out 'cat in > out'
echo 2 > in
datalad save -m changed > /dev/null
datalad rerun
datalad rerun master~1
git log --format=%s
git ls-tree HEAD in out
git ls-tree master in out
datalad rerun --since master~3
git log --format=%s
git status --short
datalad rerun --onto master
datalad rerun --branch other
