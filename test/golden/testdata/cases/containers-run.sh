# skip stdout: the output of commands comes before buffered results there
printf "#!/bin/sh\necho \"in container: \$*\"; \"\$@\"\n" > image.sif
datalad -f disabled create ds
cd ds
datalad containers-add -u ../image.sif --call-fmt "sh {img} {cmd}" c1 | grep "^containers_\|^exit\|^.datalad..dataset"
datalad containers-run -m run1 -o out "echo hi > out"
datalad -f json containers-run -n c1 -m run2 -o out2 "sh -c \"echo 2 > out2\""
datalad containers-run -n c1 -i out -o out3 sh -c "cat {inputs} > {outputs}; echo \$DATALAD_CONTAINER_NAME"
git log -1 --format=%B
datalad rerun
mkdir d; cd d
datalad containers-run -n c1 -m sub -i ../out -o here "cat {inputs}"
git log -1 --format=%B
datalad containers-run --explicit -m ex -o here -n c1 "touch here"
