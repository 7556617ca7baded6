datalad -f disabled create ds
cd ds
datalad configuration set nosection=1
datalad configuration set my.key
datalad configuration get nosection
datalad configuration nosuch my.key
datalad configuration --scope nosuch get my.key
datalad configuration dump my.key
datalad configuration --scope local dump my.key
datalad configuration set my.key=a=b
datalad configuration dump my.key
datalad -f json configuration dump my.key
