datalad -f disabled create ds
cd ds
echo 1 > a
datalad -f json_pp save
datalad -f "{action} {status!r:>6} {path} {refds} {x[y]} {{}}" status
datalad -f generic status
datalad -f default status
datalad -f disabled status
datalad -f tailored status
echo 2 > b
