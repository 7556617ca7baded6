datalad create ds
cd ds
echo 1 > f; datalad save -m ''
echo 2 > g; datalad save -m $'Subject\n\nBody ünïcode  \n\n\nend'
echo 3 > h; datalad save -m '  leading blanks'
