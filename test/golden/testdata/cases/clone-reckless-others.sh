datalad create src > /dev/null
echo one > src/a.txt
echo two > src/b.txt
datalad -C src save > /dev/null

datalad clone --reckless ephemeral "$PWD/src" eph
readlink eph/.git/annex
cat eph/a.txt
datalad clone --reckless=shared-group src sh
