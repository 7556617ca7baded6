mkdir plain; git init -q plain
datalad clone plain empty
echo x > plain/x; git -C plain add x; git -C plain commit -qm x
datalad clone plain again
git init -q -b unborn odd
git -C odd fetch -q ../plain master:real
datalad clone odd head
datalad create --no-annex never
datalad clone never copy
