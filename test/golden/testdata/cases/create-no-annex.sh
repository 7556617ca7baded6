datalad create --no-annex ds
cd ds
echo x > x
datalad save -m plain
