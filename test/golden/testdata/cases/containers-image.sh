printf "#!/bin/sh\necho \"in container: \$*\"; \"\$@\"\n" > image.sif
datalad -f disabled create ds
cd ds
datalad containers-add -u ../image.sif --call-fmt "sh {img} {cmd}" c1 | grep "^containers_\|^exit\|^.datalad..dataset"
datalad containers-run -n .datalad/environments/c1/image -m byimage -o o "touch o"
cp ../image.sif own.sif; datalad -f disabled save
datalad containers-add -i own.sif --call-fmt "{img_dspath}/{img_dirpath} {img} {cmd} {{pwd}}" c2 | grep "^containers_\|^exit\|^.datalad..dataset"
cat .datalad/config
datalad containers-list
