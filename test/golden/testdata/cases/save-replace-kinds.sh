datalad create ds
cd ds
echo a > tofile; echo b > todir; mkdir d; echo c > d/f
datalad save
rm tofile; echo new > tofile
rm todir; mkdir todir; echo in > todir/in
rm -r d; echo nowfile > d
datalad status
datalad save -m replaced
