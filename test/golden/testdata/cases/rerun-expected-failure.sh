# newer stdout: exit 1 => exit 3
datalad create -c text2git ds
cd ds
datalad --on-failure continue run "date +%N > /dev/null; echo a >> a; exit 3"
datalad rerun
