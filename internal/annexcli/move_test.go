package annexcli

import "testing"

// hereSteps bring content here from wherever it is, and say how many copies are
// needed.
var hereSteps = []string{
	`git init -q a && cd a && git annex init A -q && mkdir d && echo one > one && echo two > two && echo three > d/three && git annex add -q . && git commit -qm 1 && mkdir ../dir && git annex initremote -q dirr type=directory directory=../dir encryption=none && git clone -q . ../b && cd ../b && git annex init B -q && cd ../a && git remote add b ../b && git annex copy -q --to dirr one && git annex move -q --to dirr two && git annex copy -q --to b one d`,
	`cd a && git annex move --to here --json d`,
	`cd a && git annex move --to here | grep -o '^move [^(]*(.*)' | sort; git annex find --in dirr; git annex find --in b; git annex find`,
	`cd a && git annex copy -q --to dirr && git annex drop --mincopies 2 one 2>&1 | grep -c failed; git annex drop one --mincopies 1 --json`,
	`cd a && git annex drop --from here two`,
	`cd a && git annex fsck -q nope; git show git-annex:activity.log | grep -c Fsck`,
}

func TestMoveHereLikeGitAnnex(t *testing.T) { likeGitAnnex(t, hereSteps) }
