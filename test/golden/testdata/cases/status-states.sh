datalad create ds
cd ds
echo 1 > clean; echo 2 > gone; echo 3 > changed; echo 4 > staged-gone
datalad save
rm gone; rm changed; echo x > changed; git rm -q staged-gone; echo a > added; git add added; mkdir -p u/v; echo u > u/v/w; echo t > top
datalad status
datalad -f json status
