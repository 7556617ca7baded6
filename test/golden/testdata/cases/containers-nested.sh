# skip stdout: the output of commands comes before buffered results there
# newer ds/log: [DATALAD] Recorded changes\n\ncommit <ds#1> => [DATALAD] Created subdataset\n\ncommit <ds#1>
printf "#!/bin/sh\necho \"in container: \$*\"; \"\$@\"\n" > image.sif
datalad -f disabled create ds
cd ds
datalad -f disabled create -d . sub
datalad -f disabled containers-add -d sub -u ../image.sif --call-fmt "sh {img} {cmd}" inner | grep "^containers_\|^exit\|^.datalad..dataset"
datalad -f disabled save -r -d .
datalad containers-list
datalad containers-list -r
datalad -f json containers-list -r
datalad containers-list -r --contains sub
datalad containers-run -n sub/inner -m nested -o out "touch out"
git log -1 --format=%B
