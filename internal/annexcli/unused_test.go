package annexcli

import "testing"

// found shows what unused has found, without the names of what was looked at.
const found = ` | sed 's/ (checking [^u)][^)]*)//g'`

var unusedSteps = []string{
	`git init -q a && cd a && git annex init A -q && git config annex.uuid && for i in old side now; do echo $i > $i; done && git annex add -q old && git commit -qm 1 && git checkout -q -b side && git annex add -q side && git commit -qm 2 && git checkout -q main && git rm -q old && git annex add -q now && git commit -qm 3`,
	`cd a && git annex unused` + found + `; cut -d' ' -f1,2 .git/annex/unused`,
	`cd a && for r in +HEAD '+refs/heads/*' '+refs/heads/*:-refs/heads/side' '+refs/*:+HEAD' +HEAD~1 '+refs/heads/si?e' '+HEAD:reflog' '-refs/*' '+side:-s*' ; do echo "$r"; git annex unused -q --used-refspec="$r" > /dev/null; cut -d' ' -f2 .git/annex/unused | sort; done`,
	`cd a && git config annex.used-refspec +HEAD:reflog; git annex unused > /dev/null; cut -d' ' -f2 .git/annex/unused | sort; git annex unused --used-refspec=+HEAD > /dev/null; cut -d' ' -f2 .git/annex/unused | sort`,
	`cd a && for r in bogus '' '+HEAD::+HEAD'; do git annex unused --used-refspec="$r" 2>&1 | head -n 1; done`,
}

func TestUsedRefs(t *testing.T) { likeGitAnnex(t, unusedSteps) }
