package annexcli

import "testing"

// meta shows what the log of a file's metadata says, without times.
const meta = `meta() { git annex metadata "$@" | sed '/^metadata/d'; git show git-annex:$(git annex examinekey --format '${hashdirlower}${key}.log.met' $(git annex lookupkey one)) | sed 's/^[0-9.]*s/T/'; }; `

// Several edits of metadata in one command: each begins with what was there
// before, and the last one about a value counts.
var metadataSteps = []string{
	`git init -q a && cd a && git annex init A -q && echo 1 > one && git annex add -q one && git commit -qm 1`,
	meta + `cd a; meta -s q=1 -s q=2 one; meta -s q=3 -s q+=4 one; meta -s q+=5 -s q=6 one`,
	meta + `cd a; meta -s tag+=x -s tag-=x one; meta -u x -t x one; meta -t x -u x one`,
	meta + `cd a; meta -r q -s r=1 one; meta -s 'q?=1' -s 'q?=2' one; git annex metadata -s 'q?=3' one; meta -r q -s 'q?=3' one; meta -s nosuch-=1 one`,
	`cd a && echo 2 > two && mkdir d && echo 3 > d/three && git annex add -q . && git commit -qm 2 && for p in . '' 'one d' 'd nosuch' 'd --force' '. --force' '--all'; do git annex metadata -s w=1 $p | sed '/lastchanged/d'; done; git annex metadata -g w`,
	meta + `cd a; meta --remove-all -s z=1 one; meta -s y=2 --remove-all one; git annex metadata --json --remove-all one`,
}

func TestEditsOfMetadata(t *testing.T) { likeGitAnnex(t, metadataSteps) }
