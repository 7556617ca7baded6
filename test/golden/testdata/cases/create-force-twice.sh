datalad create ds
datalad create ds
datalad create --force ds
