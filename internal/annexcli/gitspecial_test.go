package annexcli

import "testing"

var gitSpecialSteps = []string{
	`git init -q --bare b && git init -q a && cd a && git annex init A -q && echo 1 > f && git annex add -q f && git commit -qm 1 && git remote add origin $(cd ../b && pwd) && git push -q origin main git-annex && git annex sync -q >/dev/null 2>&1; git annex initremote hub type=git location=$(cd ../b && pwd) autoenable=true && git config remote.hub.url && git annex sync -q >/dev/null 2>&1; git show git-annex:remote.log | sed 's/ timestamp.*//'`,
	// What is no parameter, or has no such value, is refused.
	`cd a; for p in encryption=none chunk=1mb colour=red autoenable=maybe cost=much; do git annex initremote x type=git location=$(cd ../b && pwd) $p >/dev/null 2>&1; echo $? $p; git remote remove x 2>/dev/null; done; git annex initremote x type=git location=$PWD/nowhere >/dev/null 2>&1; echo $?; git remote remove x 2>/dev/null; true`,
	// Who has it already under another name needs it no second time.
	`git clone -q b c && cd c && git annex init -q C && git config --get-regexp 'remote.*uuid'; git remote remove origin; git annex enableremote hub && git config remote.hub.url; git annex enableremote hub cost=5 2>/dev/null; echo $?; git annex enableremote hub`,
}

func TestGitRemotesThatTheBranchTellsOf(t *testing.T) { likeGitAnnex(t, gitSpecialSteps) }

// TestNothingIsLeftOfARefusedGitRemote: git-annex leaves a remote, and records
// what it has refused.
func TestNothingIsLeftOfARefusedGitRemote(t *testing.T) {
	t.Parallel()
	w := ourWorld(t)
	w.must(t, `git init -q --bare b && git init -q a && cd a && git annex init -q A && git remote add origin ../b && git annex sync -q >/dev/null 2>&1; git commit -qm 1 --allow-empty; git push -q origin main git-annex; git annex sync -q; git annex initremote -q hub type=git location=../b; for p in encryption=none colour=red autoenable=maybe --private location=../a; do ! git annex initremote x type=git location=../b $p || exit 1; done; test -z "$(git config --get-regexp 'remote.x')" && git annex merge -q >/dev/null; git show git-annex:remote.log | grep -c . | grep -qx 1`)
	// One repository has one name there.
	w.must(t, `cd a; ! git annex initremote x type=git location=../b && git annex merge -q >/dev/null; git show git-annex:remote.log | grep -q name=hub`)
}
