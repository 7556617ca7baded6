# newer stdout: exit 1 => exit 7
datalad create ds
cd ds
datalad -f json run "exit 7"
