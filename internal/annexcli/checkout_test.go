package annexcli

import "testing"

// checkoutSteps put files into the work tree that are too large to be handed
// to git: the hook that follows a checkout fills them.
var checkoutSteps = []string{
	`git init -q a && cd a && git annex init -q A && head -c 17000000 /dev/zero > f && git annex add -q f && git annex unlock -q f && git commit -qm 1 && rm f && git checkout -q f && wc -c f; git status --porcelain`,
	`cd a && git rm -qf f && git commit -qm 2 && git checkout -q HEAD^ && wc -c f; git status --porcelain`,
}

func TestLargeFilesAreThereAfterCheckout(t *testing.T) { likeGitAnnex(t, checkoutSteps) }
