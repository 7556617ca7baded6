datalad create ds
cd ds
git config annex.addunlocked true
echo 1 > one; echo 2 > two
datalad save -m unlocked
git ls-tree HEAD one two three three.bin four.txt
echo more >> one
datalad save -m more
git config annex.addunlocked 'include=*.bin'
echo 3 > three.bin; echo 4 > four.txt
datalad save -m some
git ls-tree HEAD one two three three.bin four.txt
git status --short
