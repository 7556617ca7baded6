# differs global-get stdout: global get my.key\nexit 1 => global get my.key\nglobal\nexit 0
# differs global-get stdout: global get other.key\nexit 1 => global get other.key\n1\nexit 0
datalad -f disabled create ds
cd ds
datalad configuration --scope global set my.key=global
datalad configuration get my.key
git config --global my.key
datalad configuration --scope global get my.key
datalad configuration --scope global unset my.key
git config --global my.key
cd ..
datalad configuration --scope global set other.key=1
datalad configuration --scope global get other.key
datalad configuration get other.key
