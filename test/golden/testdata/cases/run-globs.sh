datalad create -c text2git ds
cd ds
mkdir -p d/e 's p'; echo 1 > d/a.dat; echo 2 > d/b.dat; echo 3 > d/e/c.dat; echo 4 > 's p/x y'; echo 5 > top; echo 6 > .hid
datalad save
for p in ./top 'd/*' 'd/**' 'd/**/*.dat' 'd/' "$PWD/top" '../ds/top' . 's p/*' '[t]op' '?op' '*'; do
  datalad -f json run --dry-run basic -i "$p" 'echo {inputs}'
done
