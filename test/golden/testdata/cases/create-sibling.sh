# skip src/annex: git-annex notes the copy once in each repository
datalad create src > /dev/null
cd src
echo one > a.dat
datalad save > /dev/null
datalad create-sibling -s near ../near | grep -v ^update
datalad create-sibling -s near ../near | grep -v ^update
datalad create-sibling -s other ../near | grep -v ^update
datalad push --to near
datalad siblings query -s near
cat ../near/a.dat
git -C ../near config receive.denyCurrentBranch
