datalad create ds
cd ds
echo x > $'new\nline'
datalad save -m newline
