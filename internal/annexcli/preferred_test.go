package annexcli

import "testing"

// preferredStart is a repository with content in a clone b and in a folder d.
const preferredStart = `git init -q a && cd a && git annex init A -q && git config annex.uuid && mkdir s && for f in one.txt two.bin three.bin; do echo $f > $f; done && echo same > s/s1 && cp s/s1 s/s2 && git annex add -q . && git commit -qm 1` +
	` && git clone -q . ../b && cd ../b && git annex init B -q && git annex get -q . && cd ../a && git remote add b ../b && git fetch -q b && mkdir ../d && git annex initremote -q d type=directory directory=../d encryption=none && git annex copy -q --to d . && git annex merge -q && git annex find --in d --in b`

var requiredSteps = []string{
	preferredStart,
	// What the remote requires stays there,
	`cd a && git annex required b 'include=*.bin' && git annex move --json --from b one.txt two.bin`,
	`cd a && git annex drop -q --force three.bin; git annex move --json --from b three.bin; git annex find`,
	`cd a && git annex required here anything; git annex move --json --to b three.bin; git annex required here ''`,
	// also for the sake of another file with the same content,
	`cd a && git annex required d 'include=s/s2'; git annex drop --json --from d s/s1 s/s2; git annex required here 'include=s/s2'; git annex drop --json s/s1; git annex drop --key $(git annex lookupkey s/s1)`,
	// judged by what would be left.
	`cd a && git annex required here 'not copies=3'; git annex drop --json s/s1; git annex required here 'copies=3'; git annex drop --json s/s1`,
}

func TestRequiredContentStays(t *testing.T) { likeGitAnnex(t, requiredSteps) }

var autoDropSteps = []string{
	preferredStart,
	`cd a && git annex drop --auto --from d --numcopies 3 .; git annex find --not --in d`,
	`cd a && git annex wanted d 'include=*.txt'; git annex drop --auto --json --from d one.txt two.bin`,
	`cd a && git annex wanted d 'include=s/s2'; git annex drop --auto --json --from d s; git annex find --in d`,
	`cd a && git annex untrust -q b; git annex drop --auto --numcopies 2 --json .; git annex wanted here 'not copies=2'; git annex drop --auto --json one.txt; git annex semitrust -q b`,
	`cd a && git annex drop --auto --key $(git annex lookupkey one.txt)`,
}

func TestAutomaticDrop(t *testing.T) { likeGitAnnex(t, autoDropSteps) }

var wantSteps = []string{
	preferredStart,
	// Without an expression nothing is to be got, and all may be dropped.
	`cd a && git annex find --want-get; echo; git annex find --want-drop; git annex drop --want-get --json`,
	`cd a && git annex wanted here 'include=*.txt' && git annex find --want-get; echo; git annex find --want-drop`,
	`cd a && git annex wanted here '' && git annex find --want-get; echo; git annex find --want-drop; git annex find --not --want-get two.bin`,
	`cd a && git annex wanted here 'copies=3' && git annex find --want-get; echo; git annex find --want-drop`,
	// What is required is preferred, too.
	`cd a && git annex wanted here 'include=*.txt' && git annex required here 'include=two.*' && git annex find --want-get; git annex drop -q --force .; git annex get --auto --json`,
	`cd a && git annex find --inallgroup nosuch`,
}

func TestWantedContent(t *testing.T) { likeGitAnnex(t, wantSteps) }
