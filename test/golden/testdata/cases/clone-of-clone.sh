# newer stdout: three\nupdate(ok): . (dataset)\n => three\n
# newer stdout: "../one"}\nupdate(ok): . (dataset)\n => "../one"}\n
# newer stdout: update(ok): . (dataset)\nupdate(ok): . (dataset)\nconf => update(ok): . (dataset)\nconf
datalad create src > /dev/null
echo one > src/a.txt
datalad -C src save > /dev/null
datalad clone src one
datalad clone one two
datalad -f json clone two three
