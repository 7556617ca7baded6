# newer stdout: exit 1 => exit 4
datalad create ds
cd ds
datalad --on-failure continue run "echo x > x; exit 4"
datalad --on-failure ignore run "echo y > y; exit 5"
