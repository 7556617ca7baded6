printf "#!/bin/sh\necho \"in container: \$*\"; \"\$@\"\n" > image.sif
datalad -f disabled create ds
cd ds
datalad containers-add -u ../image.sif --call-fmt "sh {img} {cmd}" c1 | grep "^containers_\|^exit\|^.datalad..dataset"
echo "# more" >> ../image.sif
datalad containers-add --update -u ../image.sif c1 | grep "^containers_\|^exit\|^.datalad..dataset"
datalad containers-add --update --call-fmt "sh -e {img} {cmd}" c1 | grep "^containers_\|^exit\|^.datalad..dataset"
cat .datalad/config
datalad containers-add --update new -u ../image.sif | grep "^containers_\|^exit\|^.datalad..dataset"
git log --format=%s
datalad containers-run -n c1 "echo x"
