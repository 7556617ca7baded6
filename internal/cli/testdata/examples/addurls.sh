git config --global annex.security.allowed-url-schemes file
echo one > one.txt
echo two > two.txt
printf 'who,ext,link\nada,txt,file://localhost%s/one.txt\nbob,txt,file://localhost%s/two.txt\n' "$PWD" "$PWD" > table.csv
stemma -f disabled create ds
cp table.csv ds
case "$EXAMPLE" in *' -d '*) ;; *) cd ds ;; esac
