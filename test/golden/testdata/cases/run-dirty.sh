datalad create ds
cd ds
echo x > untracked
datalad run "echo y > y"
datalad run --explicit -o y "echo y > y"
datalad status
