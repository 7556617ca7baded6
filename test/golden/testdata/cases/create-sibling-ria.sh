# newer stdout: exit 1\nupdate(ok): . (dataset)\nupdate => exit 1\nupdate
datalad create src > /dev/null
cd src
echo one > a.dat
datalad save > /dev/null
datalad create-sibling-ria -s store "ria+file://$PWD/../store"
datalad create-sibling-ria -s store --new-store-ok --alias mine "ria+file://$PWD/../store" | tail -n +2
datalad create-sibling-ria -s store --new-store-ok "ria+file://$PWD/../store"
datalad siblings query -s store | sed 's:[0-9a-f]*/[0-9a-f-]*:ID:g'
cd ../store
find . -maxdepth 3 -not -name '*lock' | sed 's:/[0-9a-f]\{3\}\b:/III:; s:/[0-9a-f-]\{33\}:/REST:g' | sort
cat ria-layout-version
cat */*/ria-layout-version
