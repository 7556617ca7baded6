package annexcli

import "testing"

// at is a commit at that many seconds after a moment in 2026.
const at = `at() { GIT_AUTHOR_DATE="@$((1780000000 + $1)) +0000" GIT_COMMITTER_DATE="@$((1780000000 + $1)) +0000"; export GIT_AUTHOR_DATE GIT_COMMITTER_DATE; shift; "$@"; }; `

// order makes lines comparable whose order depends on random identities.
const order = ` | sort`

var logSteps = []string{
	at + `at 0 git init -q a && cd a && at 1 git annex init A -q && mkdir sub d && echo one > one.txt && echo two > sub/two.dat && at 2 git annex add -q . && at 2 git commit -qm first`,
	at + `cd a && at 3 git annex initremote dd type=directory directory=$PWD/../a/.git encryption=none -q; at 400000 git annex setpresentkey $(git annex lookupkey one.txt) 11111111-2222-3333-4444-555555555555 1 && at 400000 git annex merge -q`,
	at + `cd a && at 500000 git annex drop -q --force one.txt; at 500001 git annex dead dd`,
	`cd a && git annex log`,
	`cd a && git annex log --raw-date one.txt`,
	`cd a && git annex log --gource`,
	`cd a && git annex log --gource --raw-date`,
	`cd a && git annex log --all` + order,
	`cd a && git annex log --all --gource` + order,
	`cd a && git annex log --max-count=1`,
	`cd a && git annex log --max-count=0; git annex log --all --max-count=2`,
	`cd a && git annex log --since=@1780300000; git annex log --until=@1780300000; git annex log --after=@1780300000 --before=@1780450000 --raw-date`,
	`cd a/sub && git annex log; git annex log ../one.txt`,
	`cd a && git annex log nosuch`,
	`cd a && git annex log --json; git annex log --all one.txt`,
	`cd a && git annex log --include='*.dat'`,
	// Two clones that both tell of the same and of other keys, and merge.
	at + `at 600000 git clone -q a b && cd b && at 600001 git annex init B -q && at 600002 git annex get -q sub/two.dat && at 600003 git annex setpresentkey $(git annex lookupkey one.txt) 22222222-2222-3333-4444-555555555555 1 && at 600003 git annex merge -q`,
	at + `cd a && at 600004 git annex setpresentkey $(git annex lookupkey one.txt) 33333333-2222-3333-4444-555555555555 1 && at 600004 git annex merge -q && git remote add b ../b && git fetch -q b && at 600010 git annex merge -q`,
	`cd a && git annex log --raw-date`,
	at + `cd a && at 600020 git annex setpresentkey $(git annex lookupkey one.txt) 22222222-2222-3333-4444-555555555555 0 && at 600020 git annex merge -q; git annex log --raw-date one.txt`,
	`cd a && git annex log --raw-date --max-count=2`,
}

func TestLogIsGitAnnexs(t *testing.T) { t.Parallel(); likeGitAnnex(t, logSteps) }
