datalad -f disabled create ds
cd ds
datalad clean
datalad -f json clean
mkdir -p .git/datalad/tmp/archives/one .git/annex/tmp .git/annex/transfer/x
echo 1 > .git/annex/tmp/k1; echo 2 > .git/annex/tmp/k2
datalad clean --dry-run
datalad -f json clean --dry-run
datalad clean --what annex-tmp
datalad clean
ls -d .git/annex/t*
datalad clean --dry-run
