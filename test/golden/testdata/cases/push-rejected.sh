# newer stdout: publish (error: 2) => publish (error: 1, notneeded: 1)
# skip src/annex: git-annex makes an annex of a bare repository that it only looks at
# skip src/config: for the same reason
git init -q --bare bare
datalad create src > /dev/null
cd src
git remote add bare ../bare
datalad push --to bare --data nothing > /dev/null
cd ..
git clone -q bare other
cd other
git commit -q --allow-empty -m theirs
git push -q origin master
cd ../src
git commit -q --allow-empty -m ours
datalad push --to bare --data nothing | grep -v git-annex
datalad push --to bare --data nothing -f gitpush | grep -v git-annex
git -C ../bare log --format=%s master
