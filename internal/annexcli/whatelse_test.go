package annexcli

import "testing"

var whatElseSteps = []string{
	`git init -q a && cd a && git annex init A -q; for t in directory rsync S3 web httpalso external git; do git annex initremote x type=$t --whatelse; done`,
	`cd a && git annex initremote x type=S3 host=h encryption=shared keyid=x exporttree=yes -w; git annex initremote x -w 2>/dev/null; git config --get-regexp 'remote.x' || echo nothing`,
	shelf + `shelf; cd a && git annex initremote x type=external externaltype=shelf --whatelse; git annex initremote x type=external externaltype=shelf folder=/ --whatelse --fast`,
}

func TestWhatElse(t *testing.T) { likeGitAnnex(t, whatElseSteps) }

// TestWhatElseInJSON: the git-annex that is asked here has no such output yet.
func TestWhatElseInJSON(t *testing.T) {
	t.Parallel()
	w := ourWorld(t)
	w.must(t, `git init -q a && cd a && git annex init -q && git annex initremote x type=web urlexclude=a --whatelse --json > ../out; cat ../out; grep -qx '{"command":"initremote","error-messages":\[\],"file":null,"input":\["x","type=web","urlexclude=a"\],"success":true,"whatelse":{"urlinclude":{"description":"only use urls matching this glob","valuedescription":""}}}' ../out`)
	w.must(t, `cd a && mkdir ../d && git annex initremote d type=directory directory=../d encryption=none --json | grep '"success":true'`)
}
