datalad -f disabled create ds
cd ds
DATALAD_MY__KEY_NAME=env datalad configuration get datalad.my-key.name
export DATALAD_CONFIG_OVERRIDES_JSON="{\"my.key\": \"json\"}"
datalad configuration get my.key
DATALAD_MY_KEY=var datalad configuration get datalad.my.key
