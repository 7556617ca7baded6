datalad create ds
cd ds
datalad run -o out.txt "echo first > out.txt"
datalad run -o out.txt "echo second >> out.txt"
datalad run -o out.txt "true"
