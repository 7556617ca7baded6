package annexcli

import "testing"

var selectionSteps = []string{
	`git init -q a && cd a && git annex init A -q && echo 2 > two && git annex add -q . && git commit -qm 1`,
	// Only one way to say what is meant.
	`cd a; key=$(git annex lookupkey two); for o in "--all --key $key" "--key $key --all" "--unused --all"; do git annex whereis $o 2>&1 | head -n 1; done`,
	`cd a; git annex unused -q; git rm -q two; git annex unused -q; git annex drop --json --force --unused`,
}

func TestOneWayToSelect(t *testing.T) { likeGitAnnex(t, selectionSteps) }
