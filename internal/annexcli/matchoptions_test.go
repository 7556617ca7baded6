package annexcli

import "testing"

var matchOptionSteps = []string{
	`git init -q a && cd a && git annex init A -q && for i in 1 2 3 4; do echo content $i > f$i; done && mkdir s && echo content 1 > same && echo content 2 > s/x && git annex add -q . && git commit -qm 1 && ` +
		`git annex drop -q --force f4 && mkdir ../d ../e && git annex initremote d uuid=00000000-1000-0000-0000-000000000000 type=directory directory=../d encryption=none -q && ` +
		`git annex initremote e uuid=00000000-2000-0000-0000-000000000000 type=directory directory=../e encryption=none -q && git annex copy -q --to d f3 && ` +
		`git annex wanted here include=f2 -q >/dev/null && git annex wanted d 'include=f1 or (present and include=f3)' -q >/dev/null && git annex required e include=f3 -q >/dev/null`,
	`cd a && git annex find --includesamecontent 'sa*'; git annex find --excludesamecontent 'sa*'; git annex find --includesamecontent f1; git annex find --not --excludesamecontent=f1`,
	`cd a && git annex find --includesamecontent 's/*'; git annex find --includesamecontent '*'; git annex find --includesamecontent nosuch`,
	`cd a/s && git annex find --includesamecontent '../f*'; git annex find --includesamecontent f2; git annex find --excludesamecontent '../f2'`,
	`cd a && git annex whereis --json --includesamecontent 's/*' | wc -l; git annex find --branch HEAD --includesamecontent 's/*'`,
	`cd a && git annex get --all --json --includesamecontent f1; git annex fsck --all --fast --json --excludesamecontent f1 | wc -l`,
	`cd a && for r in here d e; do git annex find --want-get-by $r; git annex find --want-drop-by=$r; done; git annex find --want-get; git annex find --want-drop`,
	`cd a && git annex find --want-get-by nosuch; git annex find --want-get-by=00000000-2000-0000-0000-000000000000`,
	`cd a && git annex find --accessedwithin 1d; git annex find --anything --not --accessedwithin 1h5m; touch -a -d '3 days ago' $(git annex contentlocation $(git annex lookupkey f2)); git annex find --accessedwithin=2d; git annex find --accessedwithin=4d`,
	`cd a && git annex find --accessedwithin=1x; git annex find --accessedwithin; git annex find --includesamecontent`,
	`cd a && git annex find --in 'here@{now}' | wc -l; git annex find --in 'd@{2005-01-01}'; git annex find --in 'nosuch@{now}'`,
	`cd a && git annex merge -q; git annex drop --force -q f1; git annex find --in here f1; git annex find --in 'here@{0}' f1; git annex find --in 'here@{1}' f1`,
	`cd a && git annex wanted here want-get-by=d; git annex wanted here includesamecontent=f1; git annex wanted here accessedwithin=5; git annex wanted here want-drop; git annex wanted here`,
}

func TestMatchingOptionsAreGitAnnexs(t *testing.T) { likeGitAnnex(t, matchOptionSteps) }
