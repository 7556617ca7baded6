datalad create ds > /dev/null
cd ds
echo one > a.dat
mkdir sub
echo two > sub/b.dat
echo three > sub/c.dat
datalad save > /dev/null
datalad remove a.dat
datalad -f json remove -m 'gone now' sub
datalad remove nothing
git log --format=%s
