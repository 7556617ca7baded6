datalad create src > /dev/null
datalad clone src other
datalad clone src c
cd c
datalad -f json siblings query -s origin
datalad -f json siblings add -s other --url "$PWD/../other" --annex-wanted 'include=*.dat' --annex-group client
datalad -f json siblings configure -s other --publish-depends origin --annex-required 'include=*.txt'
datalad -f json siblings query --no-annex-info -s other
datalad -f json siblings remove -s other
datalad -f json siblings remove -s other
datalad -f json siblings add --url host:there
