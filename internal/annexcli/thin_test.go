package annexcli

import "testing"

// objects shows what lies in the annex, with its content.
const objects = `objects() { find .git/annex/objects -type f -printf '%f %m %n ' -exec cat '{}' ';' | sort; }; `

// where says which repositories are thought to have the content of a line.
const where = `where() { git annex whereis --key SHA256E-s$(echo "$1" | wc -c)--$(echo "$1" | sha256sum | cut -d' ' -f1) | grep -c ' -- '; }; `

// twoThin makes a repository whose unlocked file is its object, and a clone
// with another copy.
const twoThin = `git init -q r && cd r && git annex init -q r && git config annex.thin true && git config annex.addunlocked true && echo version one > f && touch -d 2001-01-01 f && git annex add -q f && git commit -qm 1 && git clone -q . ../c && cd ../c && git annex init -q c && git annex get -q f && cd ../r && git remote add c ../c && git annex sync -q c >sync 2>&1; rm sync; git annex find --in c; `

// thinSteps change a file that is its object.
var thinSteps = []string{
	twoThin + objects + `objects`,
	`cd r && ` + objects + where + `echo VERSION two changed > f && git add f && objects; git commit -qm 2; where 'version one'; git annex find --in here`,
	`cd c && git fetch -q && git annex merge -q; git annex drop --json f; cat f; git annex get f; git annex fsck -q f`,
	`cd r && ` + objects + where + `sed -i s/two/THREE/ f && git annex add -q f && objects; git commit -qm 3; where 'VERSION two changed'; where 'VERSION THREE changed'`,
}

func TestThinFileWithNewContent(t *testing.T) { likeGitAnnex(t, thinSteps) }

// editSteps change the file only, by as many bytes as it has, and do not tell
// git.
var editSteps = []string{
	twoThin + `echo VERSION ONE > f; git annex find --in here; git annex fsck --json f | grep -c '"success":true'; cat f`,
	`cd c && git annex drop --json f | grep -c '"success":false'; cat f`,
	`cd r && git annex drop --from c --json f | grep -c '"success":false'; cat ../c/f`,
	`cd r && rm f; git annex find --in here; cd ../c && git annex drop --json f | grep -c '"success":false'; cat f`,
}

func TestThinFileWithOtherContent(t *testing.T) { likeGitAnnex(t, editSteps) }
