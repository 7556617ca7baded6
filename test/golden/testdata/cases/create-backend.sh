datalad -c datalad.repo.backend=SHA256E create ds
cd ds
printf hello > a.b.txt
datalad save
