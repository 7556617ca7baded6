datalad create ds
datalad status -d ds /etc
