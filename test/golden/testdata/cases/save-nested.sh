datalad create ds
cd ds
mkdir -p a/b/c/d e && echo 1 > a/b/c/d/f && echo 2 > a/b/g && echo 3 > h
mkdir -p empty/nested
datalad save -m nested
