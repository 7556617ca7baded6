datalad -f disabled create ds
cd ds
echo 1 > a; datalad save -m "first line

body text
  indented  
# comment

"
git log -1 --format=%B

