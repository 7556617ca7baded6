datalad create ds
cd ds
printf 'Subject\n\n  Body line   \n\n\n\nlast\n# kept?\n' > ../msg
echo 1 > one
datalad save -F ../msg
echo 2 > two; : > ../none
datalad save -F ../none
