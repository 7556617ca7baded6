datalad create src > /dev/null
datalad clone src a > /dev/null
datalad clone src b > /dev/null
git init -q --bare plain
cd src
datalad siblings add -s two --url ../a --pushurl ../b
datalad siblings configure -s two --url ../b --pushurl ../a
datalad siblings add -s half --url ../a --pushurl ../plain
datalad siblings add -s other --url ../plain --pushurl ../b
datalad siblings add -s gone --url ../a --pushurl ../nowhere
