datalad create ds
cd ds
datalad run -o 'a b' -o "it's" -o ./-x "for o in {outputs}; do echo 1 > ./\"\$o\"; done"
datalad run -o 'a b' "echo 2 >> {outputs}"
