datalad create -c text2git ds
cd ds
echo text > t.txt; printf '\0\1\2binary' > b.bin; : > empty; printf 'no newline' > n
datalad save -m mixed
