# newer stdout: exit 1 => exit 3
datalad create ds
cd ds
datalad run -m fails "echo foo > fail.txt; exit 3"
cat .git/COMMIT_EDITMSG
datalad save -d . -r -F .git/COMMIT_EDITMSG
