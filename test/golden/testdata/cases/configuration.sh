datalad -f disabled create ds
cd ds
datalad configuration set my.key=value other.key="two words"
datalad configuration get my.key other.key
datalad configuration get nosuch.key
datalad -f json configuration get my.key nosuch.key
datalad configuration unset my.key
datalad configuration get my.key
datalad configuration unset my.key
datalad configuration get
