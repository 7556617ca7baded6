datalad -f disabled create ds
cd ds
mkdir .datalad/procedures
printf "echo \"\$# \$2 \$3\"; pwd; echo made > made; test \"\$1\" = \"\$PWD\"\n" > .datalad/procedures/mine.sh
printf "#!/bin/sh\necho exe \"\$@\"; exit 3\n" > .datalad/procedures/failing
chmod +x .datalad/procedures/failing
echo "not one" > .datalad/procedures/text
datalad -f disabled save -m procedures
datalad run-procedure --discover | grep -v "/usr/\|cfg_"
datalad -f json run-procedure --discover | grep -v "/usr/\|cfg_"
datalad run-procedure --help-proc mine
git config datalad.procedures.mine.help "What it does"
git config datalad.procedures.mine.call-format "sh {script} {ds} fixed {args}"
datalad run-procedure --help-proc mine
datalad -f json run-procedure --help-proc mine
datalad run-procedure mine again
datalad -f json run-procedure --discover | grep mine
datalad -f json run-procedure --discover | grep -v "/usr/\|cfg_"
