datalad create ds > /dev/null
cd ds
datalad create one > /dev/null
datalad create two > /dev/null
echo x > two/x.dat
datalad save -r > /dev/null
datalad remove one
datalad remove --reckless availability one
datalad -f json remove --reckless kill -r two
git log --format=%s
cat .gitmodules
