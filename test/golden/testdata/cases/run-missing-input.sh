datalad create ds
cd ds
datalad run -i nosuch "echo x > x"
datalad run -i 'no*such' "echo x > x"
