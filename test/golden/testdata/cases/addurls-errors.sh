datalad -f disabled create ds
cd ds
printf 'who,link\nada,http://localhost/x/y.tar.gz\nbob,\nada,http://localhost/z\n' > ../t.csv
printf 'who,link\n' > ../none.csv
: > ../empty.csv
datalad addurls ../t.csv '{link}' '{who}'
datalad -f json addurls ../t.csv '{link}' '{who}'
datalad -f json addurls ../t.csv '{link}' '{nope}' | sed 's/"exception": "[^"]*", //; s/ValueError(\(.*\))"/\1"/'
datalad -f json addurls ../t.csv '{link}' '{7}' | sed 's/"exception": "[^"]*", //; s/ValueError(\(.*\))"/\1"/'
datalad -f json addurls -m x ../t.csv '{link}' '{who}' | sed 's/"exception": "[^"]*", //; s/ValueError(\(.*\))"/\1"/'
datalad -f json addurls ../none.csv '{link}' '{who}'
datalad -f json addurls -n ../t.csv '{link}' '{who}-{_repindex}'
datalad -f json addurls -n --on-collision take-last ../t.csv '{link}' '{who}'
datalad -f json addurls -n --on-collision error-if-different ../t.csv '{link}' '{who}'
datalad -f json addurls --key 'MD5--{who}' ../t.csv '{link}' '{who}{_repindex}' | sed 's/"exception": "[^"]*", //; s/ValueError(\(.*\))"/\1"/'
