datalad -f disabled create ds
cd ds
echo 1 > a; datalad -f disabled save
git checkout -q --detach
echo 2 > b
datalad save -m detached
datalad run -m detached "echo 3 > c"
git log --format=%s
