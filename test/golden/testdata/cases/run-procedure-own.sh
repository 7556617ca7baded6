# newer stdout: exit 1\n$ datalad -f json run-procedure failing => exit 3\n$ datalad -f json run-procedure failing
# newer stdout: exit 1\n$ datalad run-procedure text => exit 3\n$ datalad run-procedure text
datalad -f disabled create ds
cd ds
mkdir .datalad/procedures
printf "echo \"\$# \$2 \$3\"; pwd; echo made > made; test \"\$1\" = \"\$PWD\"\n" > .datalad/procedures/mine.sh
printf "#!/bin/sh\necho exe \"\$@\"; exit 3\n" > .datalad/procedures/failing
chmod +x .datalad/procedures/failing
echo "not one" > .datalad/procedures/text
datalad -f disabled save -m procedures
datalad run-procedure mine "one arg" two
datalad status
datalad -f json run-procedure mine "one arg" "{x}"
datalad run-procedure failing
datalad -f json run-procedure failing a
datalad run-procedure text
mkdir sub; cd sub
datalad run-procedure mine x
