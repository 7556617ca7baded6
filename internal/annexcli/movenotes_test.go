package annexcli

import "testing"

// moveWorld has d with f2; here are f1 and f2; there shall be two copies. note
// adds a move that was killed to move.log; what is left tells what became of it.
const moveWorld = `git init -q a && cd a && git annex init A -q && for i in 1 2 3; do echo content $i > f$i; done && git annex add -q . && git commit -qm 1 && mkdir ../d && ` +
	`git annex initremote d uuid=00000000-1000-0000-0000-000000000000 type=directory directory=../d encryption=none -q && git annex copy -q --to d f2 && git annex numcopies 2 >/dev/null`

const noted = `cd a && h=$(git config annex.uuid) d=00000000-1000-0000-0000-000000000000; note() { echo $1 $2 $(git annex lookupkey $3) >> .git/annex/move.log; }; ` +
	`left() { echo $?; cat .git/annex/move.log; : > .git/annex/move.log; git annex find --in d; echo here; git annex find --in here; }; `

var moveSteps = []string{
	moveWorld,
	`git -C a config annex.uuid`,
	noted + `git annex move -q --to d f1; left`,
	noted + `git annex move -q --from d f1; left`,
	// The destination had it: the copies would be too few, unless a move was begun.
	noted + `git annex move --json --to d f2; left`,
	noted + `note $d $h f2; git annex move --json --to d f2; left`,
	noted + `note $h $d f2; note $h $d f2; git annex move --json --to d f2; left`,
	noted + `git annex copy -q --from d f2; git annex move --json --from d f2; left`,
	noted + `note $h $d f2; git annex move -q --from d f2; left`,
	noted + `note $d $h f2; git annex move -q --from d f2; left`,
	// What was copied since is not to be moved any more.
	noted + `note $h $d f2; git annex copy -q --to d f2; left`,
	noted + `note $h $d f2; git annex copy -q --to d f2; git annex move -q --to d f2; left`,
	noted + `git annex drop -q --force f2; note $d $h f2; git annex get -q --from d f2; left`,
	// What is required stays, and so does what only an untrusted repository would have.
	noted + `note $h $d f2; git annex required here include=f2 >/dev/null; git annex move -q --to d f2; left; git annex required here '' >/dev/null`,
	noted + `git annex untrust -q d; git annex move -q --to d f3; left`,
	noted + `note $h $d f3; git annex move -q --to d f3; left`,
	noted + `git annex move -q --to d --numcopies=1 f3; left`,
	noted + `git annex semitrust -q d; git annex untrust -q here; git annex move -q --from d f3; left`,
	noted + `git annex semitrust -q here; note $h $d f3; git annex move -q --force --to d f3; left`,
}

func TestMovesAreGitAnnexs(t *testing.T) { likeGitAnnex(t, moveSteps) }
