datalad -f disabled create ds
cd ds
datalad configuration --scope branch set my.key=branch
cat .datalad/config
datalad configuration get my.key
datalad configuration --scope local set my.key=local
datalad configuration get my.key
datalad configuration --scope branch get my.key
datalad configuration --scope local get my.key
datalad -c my.key=override configuration get my.key
datalad configuration --scope branch unset my.key
cat .datalad/config
datalad configuration get my.key
datalad status
