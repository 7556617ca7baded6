# skip near/annex: git-annex notes there what came, and when
datalad create src > /dev/null
cd src
echo one > a.dat
echo two > b.dat
datalad save > /dev/null
datalad create-sibling -s near ../near > /dev/null
datalad push --to near > /dev/null
datalad -f json push --to near -f checkdatapresent
chmod -R u+w ../near/.git/annex/objects
rm -r ../near/.git/annex/objects/*
datalad push --to near
datalad push --to near -f all
git annex drop -q --force b.dat
datalad -f json push --to near b.dat
