datalad create src > /dev/null
cd src
echo one > a.dat
datalad save > /dev/null
datalad -f json create-sibling -s near --publish-depends nosuch ../near | sed 's/"sibling_name": "near", //'
ls ..
datalad -f json create-sibling -s near --target-url "$WORK/near" --shared group ../near | grep -v ^update
datalad -f json create-sibling -s near --existing skip ../near
datalad -f json siblings query -s near
