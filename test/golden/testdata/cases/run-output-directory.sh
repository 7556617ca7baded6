datalad create ds
cd ds
mkdir res; echo 1 > res/a; echo 2 > res/b
datalad save
datalad run -o res "for f in res/*; do echo more >> \$f; done; echo 3 > res/c"
