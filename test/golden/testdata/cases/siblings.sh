datalad create src > /dev/null
datalad clone src other
datalad clone src c
cd c
datalad siblings
datalad siblings -d ../src
datalad siblings add -s other --url ../other
git init -q --bare ../bare
datalad siblings add -s plain --url ../bare --pushurl ../bare
datalad siblings query -s plain
datalad siblings add -s plain --url ../other
datalad siblings configure -s here -D 'my desk'
datalad siblings configure
datalad siblings configure -s plain --publish-depends other --publish-by-default refs/tags/*
datalad siblings configure -s plain --publish-depends nothing
datalad siblings remove -s plain
datalad siblings remove -s plain
datalad siblings remove
datalad siblings query -s zzz
datalad siblings enable -s zzz
datalad siblings enable
