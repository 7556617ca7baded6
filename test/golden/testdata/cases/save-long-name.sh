datalad create ds
cd ds
n=$(printf 'n%.0s' $(seq 1 200)).longextension
echo long > "$n"; echo two > a.b.c.d; echo x > x.tar.gz; echo y > .hidden.txt; echo z > noext.
datalad save
