echo x > file
datalad create file
