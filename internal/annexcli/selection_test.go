package annexcli

import "testing"

var selectionSteps = []string{
	`git init -q a && cd a && git annex init A -q && echo 2 > two && git annex add -q . && git commit -qm 1`,
	// Only one way to say what is meant.
	`cd a; key=$(git annex lookupkey two); for o in "--all --key $key" "--key $key --all" "--unused --all"; do git annex whereis $o 2>&1 | head -n 1; done`,
	`cd a; git annex unused -q; git rm -q two; git annex unused -q; git annex drop --json --force --unused`,
}

// branchSteps name the files of a tree.
var branchSteps = []string{
	`git init -q a && cd a && git annex init A -q && mkdir d && echo 1 > one && echo 2 > d/two && git annex add -q . && git commit -qm 1 && mkdir ../dir && git annex initremote -q dirr type=directory directory=../dir encryption=none && git annex move -q --to dirr one`,
	`cd a && git annex find --branch main; git annex find --branch main --json; git annex find --branch main --not --in here --format '${file}\n'; git annex find --branch main --include 'd/*'`,
	`cd a && git annex find --branch main:d; cd d && git annex find --branch main`,
	`cd a && git annex copy --to dirr --branch main --json; git annex copy --to dirr --branch main`,
	`cd a && git annex get --branch main --json; git annex fsck --branch main --json --fast`,
	`cd a && git annex drop --branch main --json --include 'd/*'; git annex drop --branch main | grep -v ')'`,
	`cd a && echo x > 'a b' && echo y > "$(printf 'q\"\\\tü日\r\002~\177\240')" && git annex add -q . && git annex find --format '${escaped_file}\n'`,
}

func TestFilesOfATree(t *testing.T) { likeGitAnnex(t, branchSteps) }

func TestOneWayToSelect(t *testing.T) { likeGitAnnex(t, selectionSteps) }
