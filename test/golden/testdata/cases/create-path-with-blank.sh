datalad create "my data set"
cd "my data set"
echo x > "a file"
datalad save
