package annexcli

import "testing"

// infoSteps leave out the free space, which changes, and the location of git
// remotes.
var infoSteps = []string{
	`git init -q a && cd a && git annex init A -q && mkdir d && echo one > a.txt && echo two > b.bin && echo same > d/s1 && echo same > d/s2 && git annex add -q . && git commit -qm first`,
	`cd a && mkdir ../dir && git annex initremote -q uuid=00000000-1000-0000-0000-000000000000 dirr type=directory directory=../dir encryption=none && git annex copy -q --to dirr a.txt d && git annex move -q --to dirr b.bin`,
	`cd a && git annex info . --in dirr; git annex info d; git annex info . --fast; git annex info --bytes d`,
	`cd a && git annex numcopies 2 && git annex info . --json; git annex info d --json --include '*1'; cd d && git annex info .`,
	`cd a && git annex untrust dirr && git annex info .; git annex semitrust dirr`,
	`cd a && git annex info --json | sed 's/"available[^,]*,//'; git annex info --in dirr | grep -v available`,
	`cd a && git annex info main; git annex info main:d --json; git annex info HEAD --not --in here; git annex info main --fast`,
	`cd a && git annex info dirr; git annex info dirr --json; git annex info here --json; git annex info . --not --in dirr --json; git annex info web --json`,
	`cd a && git annex info nope --json; git annex info '' --json; git annex info a.txt d --json`,
	`cd a && printf 'a.txt\n\nd\nnope\n' | git annex info --batch --json`,
	`cd a && mkdir ../e && git annex initremote -q enc type=directory directory=../e encryption=shared chunk=1MiB uuid=00000000-2000-0000-0000-000000000000 && git annex info enc; git annex info enc --json; git annex initremote -q tr type=directory directory=../e encryption=none importtree=yes uuid=00000000-3000-0000-0000-000000000000 && git annex info tr`,
	`git clone -q a b && cd b && git annex init B -q && git annex info origin | grep -c synced; git fetch -q; touch -d '2020-01-02 03:04:05Z' .git/refs/remotes/origin/*; git annex info origin | grep -v location; git annex info origin --fast --json | sed 's/"repository location[^,]*,//'; git pack-refs --all; rm -f .git/refs/remotes/origin/*; git annex info origin --fast | grep synced`,
	`cd a && echo x > dirr && git annex add -q dirr && git annex info --fast dirr`,
}

func TestInfoLikeGitAnnex(t *testing.T) { likeGitAnnex(t, infoSteps) }
