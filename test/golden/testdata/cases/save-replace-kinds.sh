datalad create ds
cd ds
echo a > tofile; echo b > todir; mkdir d; echo c > d/f; echo l > tolink
datalad save
rm tofile; echo new > tofile
rm todir; mkdir todir; echo in > todir/in
rm -r d; echo nowfile > d
rm tolink; ln -s tofile tolink
datalad status
datalad save -m replaced
