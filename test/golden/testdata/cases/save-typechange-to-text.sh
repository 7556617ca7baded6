datalad create ds
cd ds
echo annexed > f.txt
datalad save
echo '* annex.largefiles=nothing' >> .gitattributes
datalad save -m attributes
datalad unlock f.txt
echo edited > f.txt
datalad save -m edited
