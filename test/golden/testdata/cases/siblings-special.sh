datalad create src > /dev/null
cd src
mkdir ../store
git annex initremote -q box type=directory directory="$PWD/../store" encryption=none
git annex initremote -q shelf type=httpalso --sameas=box url=http://localhost/x autoenable=true
cd ..
datalad clone src c
cd c
datalad siblings query -s shelf
datalad -f json siblings query -s shelf
