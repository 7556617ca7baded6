# skip c/config: DataLad knows the sibling before the annex, here it is the other way round
datalad create src > /dev/null
git clone -q src c
cd c
datalad siblings add -s again --url ../src --annex-wanted 'include=*.dat'
datalad siblings enable -s nosuch
datalad siblings query
git config --local --list | sort
