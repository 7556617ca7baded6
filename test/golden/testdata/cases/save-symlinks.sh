datalad create ds
cd ds
mkdir d && echo x > d/f && ln -s d/f good && ln -s nowhere broken && ln -s d dirlink && ln -s /etc/hostname absolute
datalad -f json save
datalad status
