stemma -f disabled create ds
cd ds
stemma -f disabled create -d . inputs/raw
echo 1 > inputs/raw/file.dat
stemma -f disabled save -r
