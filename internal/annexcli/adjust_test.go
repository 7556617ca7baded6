package annexcli

import "testing"

var adjustedCloneSteps = []string{
	`git init -q a && cd a && git annex init A -q && echo 1 > one && git annex add -q one && git commit -qm 1 && git annex adjust -q --unlock && echo 2 > two && git annex add -q two && git commit -qm 2`,
	// The branch that the clone's is made of, and the commit that it stands on.
	refs + `git clone -q a b && cd b && git annex init -q B; refs; git log --format=%s --graph`,
	refs + `cd b && echo 3 > three && git annex add -q three && git commit -qm 3 && git annex sync -q --no-push --no-pull >/dev/null; refs; git log --format=%s main; git ls-tree main`,
	refs + `cd a && git checkout -q -b 'adjusted/x(unlocked)' main && git clone -q . ../c && cd ../c && git annex init -q C; refs`,
}

// refs shows branches and what they are made of, without commits' ids.
const refs = `refs() { git for-each-ref --format='%(refname) %(subject)' refs/heads refs/basis | grep -v git-annex$; git symbolic-ref HEAD; }; `

func TestClonesOfAdjustedBranches(t *testing.T) { likeGitAnnex(t, adjustedCloneSteps) }
