datalad create ds
cd ds
echo 1 > f
datalad save -m first > /dev/null
git annex adjust --unlock > /dev/null 2>&1
echo 2 > g
datalad save --amend -m second
git log --format=%s
git ls-tree master f g
git ls-tree HEAD f g
echo 3 > h
datalad save --amend
git log --format=%s
git ls-tree master f g h
git commit -q --allow-empty -m empty
echo 4 > i
datalad save --amend -m filled
git log --format=%s
git ls-tree master h i
git status --short
