datalad -f disabled create ds
cd ds
datalad unlock nosuch
datalad --on-failure ignore unlock nosuch
datalad --on-failure stop unlock nosuch
datalad --on-failure continue -f json unlock nosuch
