# newer stdout: [CommandError(CommandError: 'git -c diff.ignoreSubmodules=none merge --ff-only --allow-unrelated-histories origin/master' failed with exitcode 128 [err: 'fatal: Not possible to fast-forward, aborting.'])] => [git merge: fatal: Not possible to fast-forward, aborting.]
datalad create src > /dev/null
echo one > src/a.dat
datalad -C src save > /dev/null
datalad clone src c > /dev/null
datalad clone src d > /dev/null
echo two > src/b.dat
datalad -C src save -m 'from src' > /dev/null
cd c
datalad update
datalad update --how merge
datalad update --how ff-only
cd ../d
echo mine > own.dat
datalad save -m own > /dev/null
datalad update --how ff-only
datalad update -s origin --merge
datalad update -s nowhere
git log --format=%s
