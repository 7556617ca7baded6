datalad create -D "my laptop" ds
