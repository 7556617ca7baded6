package annexcli

import "testing"

var hiddenSteps = []string{
	// Hidden files from URLs are like others, unlike those that are added.
	`git init -q a && cd a && git annex init -q A && git config annex.security.allowed-url-schemes file && echo hidden > ../hidden && git annex addurl --json --json-error-messages --file .h/x file://$PWD/../hidden; git ls-files -s .h; mkdir ../imp && echo i > ../imp/.i && git annex import --json ../imp; git ls-files -s imp; echo a > .a && git annex add --json .a`,
}

func TestHiddenFilesFromElsewhere(t *testing.T) { likeGitAnnex(t, hiddenSteps) }
