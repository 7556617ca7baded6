# skip c/annex: git-annex merges what was fetched before a subdataset is saved
datalad create top > /dev/null
datalad create top/sub > /dev/null
datalad -C top save -m sub > /dev/null
datalad install -r -s "$PWD/top" c > /dev/null
echo new > top/sub/new.dat
datalad -C top save -r -m new > /dev/null
cd c
git remote add gone ../nowhere
datalad update -r --how merge | grep '^[msu].*(ok)'
git log --format=%s
git -C sub log --format=%s
