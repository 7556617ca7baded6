printf "#!/bin/sh\necho \"in container: \$*\"; \"\$@\"\n" > image.sif
datalad -f disabled create ds
cd ds
datalad containers-list
datalad containers-add -u ../image.sif first | grep "^containers_\|^exit\|^.datalad..dataset"
datalad containers-add --url "$WORK/image.sif" --call-fmt "sh {img} {cmd}" second | grep "^containers_\|^exit\|^.datalad..dataset"
cat .datalad/config
datalad containers-list
datalad -f json containers-list
datalad containers-remove first | grep "^containers_\|^exit\|^.datalad..dataset"
datalad containers-remove first | grep "^containers_\|^exit\|^.datalad..dataset"
datalad containers-remove -i second | grep "^containers_\|^exit\|^.datalad..dataset"
datalad containers-list
datalad status
