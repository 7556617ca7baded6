datalad create ds
git init -q src; cd src; echo x > x; git add x; git commit -qm x; cd ..
cd ds
git clone -q ../src n; git -C n remote set-url origin ssh://example.org/src
git init -q "odd name#1"; cd "odd name#1"; git commit -q --allow-empty -m x; cd ..
datalad save -m both
cat .gitmodules
datalad status
