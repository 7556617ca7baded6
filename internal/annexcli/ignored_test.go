package annexcli

import "testing"

// A special remote with annex-ignore is used by who names it.
var ignoredSteps = []string{
	`git init -q a && cd a && git annex init A -q && echo 1 > one && echo 2 > two && git annex add -q . && git commit -qm 1 && mkdir ../d && git annex initremote -q x uuid=00000000-1000-0000-0000-000000000000 type=directory directory=../d encryption=none && git annex copy -q --to x one && git config remote.x.annex-ignore true`,
	`cd a && git annex copy --json --to x two && git annex drop -q --force one; git annex get one >/dev/null 2>&1; echo $?; git annex get --json --from x one; git annex fsck -q --from x; echo $?; git annex drop -q --from x two; git annex move -q --to x two; git annex whereis --json two; git annex checkpresentkey $(git annex lookupkey two) x; echo $?`,
}

func TestIgnoredRemotesAreUsedByName(t *testing.T) { likeGitAnnex(t, ignoredSteps) }
