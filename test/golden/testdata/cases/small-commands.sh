datalad -f disabled create ds
cd ds
datalad -f "{infos[dataset][id]}" wtf -S dataset
datalad -f "{infos[dataset][path]}" wtf -S dataset -d .
datalad -f "{action} {status} {path} {type}" wtf -S location
