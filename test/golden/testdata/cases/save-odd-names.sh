datalad create ds
cd ds
for n in 'two words' "it's" 'say "hi"' 'back\slash' 'ünï cødé' '日本' '-dash' '--help' 'semi;colon' '$HOME' '*' '[a]' '#hash' '%d' '{x}' ' lead' 'trail ' 'a&b' 'q?'; do
  echo "$n" > "./$n"
done
datalad save -m names
datalad status
