datalad create ds
cd ds
mkdir .dir && echo 1 > .dir/x && echo 2 > .dotfile && echo '*.tmp' > .gitignore && echo 3 > a.tmp && mkdir .datalad/foo && echo 4 > .datalad/foo/bar && echo 5 > .gitmod
datalad save
datalad save a.tmp
