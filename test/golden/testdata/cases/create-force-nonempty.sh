mkdir ds && echo x > ds/x
datalad create ds
datalad create --force ds
cd ds
datalad status
