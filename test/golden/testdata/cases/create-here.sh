mkdir ds && cd ds
datalad create
