datalad create ds
