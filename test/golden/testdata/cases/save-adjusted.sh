datalad create ds
cd ds
echo 1 > one
datalad save -m one
git annex adjust --unlock > /dev/null
echo 2 > two; echo more >> one
datalad save -m two
git log --format=%s
git log --format=%s --all --not HEAD
git ls-tree HEAD one two three three.bin four.txt
git ls-tree HEAD~1 one two three
datalad run -m three -o three 'echo 3 > three'
git log --format=%s
git ls-tree HEAD~1 one two three
git status --short
