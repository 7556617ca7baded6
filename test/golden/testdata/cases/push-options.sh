# skip src/annex: git-annex makes an annex of the bare repository and notes each copy twice
git init -q --bare bare
datalad create src > /dev/null
cd src
datalad push
echo one > a.dat
echo two > b.dat
datalad save > /dev/null
datalad siblings add -s bare --url ../bare > /dev/null
datalad push --to bare --data nothing
echo three > c.dat
datalad save > /dev/null
datalad push --to bare --since HEAD~1
datalad push --to bare a.dat
datalad push --to bare nothing.dat
git -C ../bare log --format=%s master
