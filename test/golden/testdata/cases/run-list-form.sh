datalad create -c text2git ds
cd ds
echo 1 > f
datalad save
datalad run -i f -- sh -c 'mkdir -p "res dir"; cat "$@" > "res dir/x"; echo "$2" >> "res dir/x"' x f 'lit*' '{{}}' "it's"
cat 'res dir/x'
