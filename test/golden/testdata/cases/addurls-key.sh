datalad -f disabled create ds
cd ds
printf 'who,link,md5\nada,http://localhost/x/y.tar.gz,5bc9f7b0a2c3f5d24c9d94ea4a2e5a2d\nbob,http://localhost/z.dat,6bc9f7b0a2c3f5d24c9d94ea4a2e5a2d\n' > ../t.csv
datalad addurls --key 'et:MD5-s5--{md5}' ../t.csv '{link}' '{who}{_url_basename_ext}' 2> /dev/null
datalad -f json addurls --key 'MD5-s5--{md5}' -x md5 ../t.csv '{link}' 'k//{who}' 2> /dev/null
git -C k annex whereis --format '${file} ${key} ${url}\n' 2>/dev/null
