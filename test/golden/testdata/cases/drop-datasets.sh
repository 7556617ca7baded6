datalad create src > /dev/null
echo one > src/a.dat
datalad -C src save > /dev/null
datalad clone src c > /dev/null
datalad clone src d > /dev/null
datalad clone src e > /dev/null
datalad drop --what all -d c
datalad drop --what datasets -d d
echo new > e/new.dat
datalad drop --what all -d e
datalad -C e save > /dev/null
datalad drop --what all -d e
datalad drop --what all --reckless kill -d e
datalad drop --what all --reckless kill -r -d e
ls
