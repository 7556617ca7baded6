git config --global annex.security.allowed-url-schemes "http https file"
mkdir www
echo one > www/one.txt; echo two > www/two.txt; echo three > www/three.tar.gz
cat > t.csv <<END
who,ext,link,empty
ada,txt,file://$PWD/www/one.txt,
bob,txt,file://$PWD/www/two.txt,x
,dat,file://$PWD/www/three.tar.gz,"a b"
,,,
END
datalad addurls -d ds t.csv '{link}' 'd/{who}.{ext}' --missing-value none
git -C ds annex metadata --json d/bob.txt | grep -o '"empty":[^]]*]'
git -C ds annex whereis --format '${file} ${url}\n' 2>/dev/null
cd ds
datalad -f json addurls ../t.csv '{link}' 'd/{who}.{ext}' --missing-value none
datalad -f json addurls --ifexists skip ../t.csv '{2}' 'd/{0}.{1}' --missing-value none
datalad addurls --message again -x 'e.*' -m 'kind={ext!l}' -t csv ../t.csv '{link}' 'sub//{who}-{_repindex}.{ext}'
datalad -f json addurls --drop-after -x '*' ../t.csv '{link}' 'dropped/{who}x'
printf '[{"a": "1", "u": "file://%s/../www/one.txt"}, {"a": "2", "u": ""}]' $PWD > ../t.json
datalad -f json addurls -n ../t.json '{u}' 'x/{a}' 2>&1
datalad addurls ../t.json '{u}' 'y//z//{a}'
cd ..
rm -r www
