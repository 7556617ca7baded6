datalad -f disabled create ds
cd ds
datalad subdatasets
datalad -f json subdatasets -r
datalad subdatasets --contains x
cd ..
datalad subdatasets
