datalad create ds
cd ds
git init -q n; cd n; echo x > x; git add x; git commit -qm x; cd ..
datalad status
datalad save
cat .gitmodules
