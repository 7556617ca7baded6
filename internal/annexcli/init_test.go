package annexcli

import "testing"

var initSteps = []string{
	`for v in 3 4 7 8 9 10; do git init -q r$v && cd r$v && git annex init -q --version $v; git config annex.version; cd ..; done`,
	`git init -q bad && cd bad && git annex init --version 2; git config annex.uuid`,
	// An annex keeps its version.
	`cd r10 && git annex init --version=8; git annex init --version 8 new name; git annex init -q --version 10 other; git config annex.version; git show git-annex:uuid.log | wc -l`,
	`cd r8 && git annex init --version=5; git annex init -q --version=8; git config annex.version`,
	// Logs have the time that is asked for from the beginning.
	`git init -q a && cd a && GIT_ANNEX_VECTOR_CLOCK=1123 git annex init A -q; git show git-annex:uuid.log; GIT_ANNEX_VECTOR_CLOCK=1124.5 git annex describe -q here B; git show git-annex:uuid.log`,
}

func TestInit(t *testing.T) { likeGitAnnex(t, initSteps) }
