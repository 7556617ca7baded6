package annexcli

import "testing"

// shown are the logs that stay here, and the names of those that do not.
const shown = `; git annex merge -q >/dev/null; git ls-tree -r --name-only git-annex | sort; for f in $(find .git/annex/journal-private -type f | sort); do basename $f; sed -E 's/timestamp=[0-9.]+s//; s/^[0-9.]+s //; s/cipher=[^ ]+/cipher=C/' $f | sort; done`

var privateSteps = []string{
	`git init -q a && cd a && git annex init A -q && head -c 3000 /dev/zero > f && git annex add -q . && git commit -qm 1 && mkdir ../d ../t && git annex initremote -q p uuid=00000000-1000-0000-0000-000000000000 type=directory directory=../d encryption=shared chunk=1kb --private && git annex initremote -q --private t uuid=00000000-2000-0000-0000-000000000000 type=directory directory=../t encryption=none exporttree=yes && git config --get-regexp 'remote.*(private|uuid)'` + shown,
	`cd a && git annex copy -q --to p f && git annex whereis --json f` + shown,
	`cd a && git annex describe -q p shelf && git annex group -q p g >/dev/null && git annex wanted -q p anything >/dev/null && git annex semitrust -q p && git annex export -q HEAD --to t` + shown,
	`cd a && git annex drop -q f && git annex whereis f; git annex get -q f; git annex fsck -q --from p f >/dev/null && echo fine; git annex find --in p`,
	`cd a && git annex enableremote -q p directory=../d && git annex renameremote p q >/dev/null && git annex drop -q --from p f && git annex dead -q p` + shown,
	`git clone -q a b && cd b && git annex init B -q && git annex whereis f; git annex enableremote q directory=../d >/dev/null 2>&1 || echo unknown`,
}

func TestPrivateRemotes(t *testing.T) { likeGitAnnex(t, privateSteps) }

// TestPrivateIsForOneRemote: one that shares the content of another one cannot
// be private, or nobody would hear of the other one any more.
func TestPrivateIsForOneRemote(t *testing.T) {
	t.Parallel()
	w := ourWorld(t)
	w.must(t, `git init -q a && cd a && git annex init -q && mkdir ../d && git annex initremote -q d type=directory directory=../d encryption=none; ! git annex initremote e --sameas=d --private type=directory directory=../d && ! git config remote.e.annex-private`)
	w.must(t, `cd a; ! git annex initremote e --private type=directory directory=../nowhere encryption=none && ! git config --get-regexp 'remote.e' && git annex initremote -q e --private type=directory directory=../d encryption=none`)
	// git-annex counts twice what it has both here and privately.
	w.must(t, `cd a && echo 1 > f && git annex add -q f && git annex copy -q --to e f && git annex info e | grep -qx 'remote annex keys: 1'`)
}
