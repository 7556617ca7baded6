# skip worktree: an empty folder is left for an image that cannot be had
printf "#!/bin/sh\necho \"in container: \$*\"; \"\$@\"\n" > image.sif
datalad -f disabled create ds
cd ds
datalad containers-run "true"
datalad containers-add -u ../image.sif --call-fmt "sh {img} {cmd}" c1 | grep "^containers_\|^exit\|^.datalad..dataset"
datalad containers-add -u ../image.sif --call-fmt "{img} {nosuch}" c2 | grep "^containers_\|^exit\|^.datalad..dataset"
datalad containers-add -u ../image.sif c1 | grep "^containers_\|^exit\|^.datalad..dataset"
datalad containers-add -i nosuch c3 | grep "^containers_\|^exit\|^.datalad..dataset"
datalad containers-add -u ../nosuch c4 | grep "^exit"
datalad containers-add "bad name" -u ../image.sif | grep "^containers_\|^exit\|^.datalad..dataset"
datalad containers-add | grep "^containers_\|^exit\|^.datalad..dataset"
datalad containers-run "true"
datalad containers-run -n nosuch "true"
datalad containers-run -n c2 "true"
datalad containers-remove nosuch | grep "^containers_\|^exit\|^.datalad..dataset"
git log --format=%s
