datalad create -c text2git ds
cd ds
datalad run -m one "echo 1 >> one"
echo manual > manual
datalad save -m manual
datalad run -m two "echo 2 >> two"
datalad rerun --since=
