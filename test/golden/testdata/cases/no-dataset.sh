mkdir empty; cd empty
datalad status
datalad save
datalad run true
