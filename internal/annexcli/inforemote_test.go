package annexcli

import "testing"

var infoRemoteSteps = []string{
	`git init -q --bare b && git init -q a && cd a && git annex init A -q && mkdir ../d ../e ../r && echo one > f && git annex add -q f && git commit -qm 1 && git remote add b ../b && git annex initremote -q d type=directory directory=../d encryption=shared chunk=1mb cost=77 && git annex initremote -q e type=directory directory=../e encryption=none exporttree=yes importtree=yes && git annex initremote -q s type=directory directory=../e --sameas=e exporttree=yes && git annex initremote -q r type=rsync rsyncurl=../r encryption=none exporttree=yes && git annex initremote -q h type=httpalso --sameas=d url=http://x.invalid/ && git annex export -q HEAD --to e`,
	// A repository without an annex.
	`cd a && git annex info b --fast | grep -v location; git annex info b --json | sed 's/"repository location":"[^"]*",//'`,
	`cd a && for r in d e s r h web; do git annex info $r --fast | grep -v '^description'; done`,
	`cd a && git annex untrust -q d && git config remote.r.annex-cost 3.5; git annex info r --fast; git annex info e --fast --json | sed 's/"description":"[^"]*",//'`,
}

func TestInfoOfRemotes(t *testing.T) { likeGitAnnex(t, infoRemoteSteps) }
