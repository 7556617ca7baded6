package annexcli

import "testing"

// shelf makes an external special remote that keeps content in a folder, serves
// URLs of its own, tells where content lies, and has something to say.
const shelf = `PATH=$PWD/bin:$PATH; shelf() { mkdir -p bin store/x; cat > bin/git-annex-remote-shelf <<'END'
#!/bin/sh
echo VERSION 1
while read -r word rest; do
  case $word in
  EXTENSIONS) echo EXTENSIONS INFO;;
  LISTCONFIGS) echo "CONFIG folder where content lies"; echo CONFIGEND;;
  INITREMOTE) echo INITREMOTE-SUCCESS;;
  PREPARE) echo GETCONFIG folder; read -r _ folder; if [ -e "$folder/full" ]; then echo INFO the shelf is nearly full; fi; echo PREPARE-SUCCESS;;
  CLAIMURL) case $folder$rest in */1shelf:*) echo CLAIMURL-SUCCESS;; *) echo CLAIMURL-FAILURE;; esac;;
  CHECKURL) echo CHECKURL-CONTENTS UNKNOWN;;
  WHEREIS) if [ -e "$folder/$rest" ]; then echo "WHEREIS-SUCCESS $folder/$rest"; else echo WHEREIS-FAILURE; fi;;
  TRANSFER)
    set -- $rest; file=${rest#"$1 $2 "}
    if [ "$1" = STORE ]; then cp "$file" "$folder/$2"; elif [ -e "$folder/$2" ]; then cp "$folder/$2" "$file"; else echo from a url > "$file"; fi
    echo "TRANSFER-SUCCESS $1 $2";;
  CHECKPRESENT) if [ -e "$folder/$rest" ]; then echo "CHECKPRESENT-SUCCESS $rest"; else echo "CHECKPRESENT-FAILURE $rest"; fi;;
  REMOVE) rm -f "$folder/$rest"; echo "REMOVE-SUCCESS $rest";;
  *) echo UNSUPPORTED-REQUEST;;
  esac
done
END
chmod +x bin/git-annex-remote-shelf; }; `

var specialSteps = []string{
	shelf + `shelf; top=$PWD; git init -q a && cd a && git annex init A -q && echo 1 > one && echo 2 > two && git annex add -q . && git commit -qm 1 && for n in 1 2 3; do mkdir ../store/$n; done && git annex initremote s uuid=00000000-1000-0000-0000-000000000000 type=external externaltype=shelf encryption=none folder=$top/store/1 -q && git annex initremote c uuid=00000000-2000-0000-0000-000000000000 type=external externaltype=shelf encryption=none chunk=1mb folder=$top/store/2 -q && git annex initremote e uuid=00000000-3000-0000-0000-000000000000 type=external externaltype=shelf encryption=shared folder=$top/store/3 -q`,
	// What a remote says of a key counts, unless it is encrypted or split.
	shelf + `cd a && for r in s c e; do git annex copy -q --to $r one; done; git annex whereis --json one; git annex whereis --json two`,
	shelf + `cd a && git annex drop -q --from c one && git annex drop -q --from e one && git annex whereis one`,
	// A claimed URL belongs to the remote that serves it, and to no other.
	shelf + `cd a && git annex addurl -q --file three shelf:three && git annex whereis --json three; git annex whereis three`,
	// What remotes have to tell is shown once for each process.
	shelf + `touch store/1/full; cd a && git annex drop --json one && git annex get --json one two; git annex drop -q one; git annex get -q one`,
	shelf + `cd a && git annex checkpresentkey $(git annex lookupkey one) s`,
	// Parameters that the program does not have, and what is no identity.
	shelf + `cd a && for p in strange=1 uuid=foo uuid= folder=x; do git annex initremote n type=external externaltype=shelf encryption=none $p >/dev/null 2>&1; echo $? $p $(git show git-annex:remote.log | wc -l); done`,
}

func TestSpecialRemotesSpeakAsInGitAnnex(t *testing.T) { likeGitAnnex(t, specialSteps) }

// TestMuteRemotesAreAskedOnce: whereis tells what is known without them.
func TestMuteRemotesAreAskedOnce(t *testing.T) {
	t.Parallel()
	w := both(t)
	w.must(t, shelf+`shelf; top=$PWD; mkdir store/1shelf:; git init -q a && cd a && git annex init -q && git annex initremote -q s type=external externaltype=shelf encryption=none folder=$top/store/1 && for n in 1 2 3; do git annex addurl -q --relaxed --file f$n shelf:$n; done`)
	w.must(t, shelf+`sed -i 's/CLAIMURL) /CLAIMURL) echo asked >> $TOP\/asked; exit 1;; OLD) /' bin/git-annex-remote-shelf; sed -i "s|.TOP|$PWD|" bin/git-annex-remote-shelf; cd a && git annex whereis > ../out && grep -c 's: shelf:' ../out | grep -qx 3 && grep -c . ../asked | grep -qx 1`)
}
