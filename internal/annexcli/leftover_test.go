package annexcli

import "testing"

var leftoverSteps = []string{
	`git init -q a && cd a && git annex init A -q && head -c 3000000 /dev/zero > f && echo gone > g && echo here > h && git annex add -q . && git commit -qm 1 && git annex lookupkey f > ../f && git annex lookupkey g > ../g && git annex lookupkey h > ../h && git annex drop -q --force f && git rm -q g && git commit -qm 2`,
	// Some of a file that is wanted, of what nobody wants, of nothing, and of what is here.
	`cd a && mkdir -p .git/annex/tmp .git/annex/bad && for k in $(cat ../f) $(cat ../h) SHA256E-s5--aa 'URL--http&c%%x%y' nokey; do echo x > ".git/annex/tmp/$k"; done; echo y > .git/annex/bad/SHA256E-s6--bb; mkdir .git/annex/tmp/dir; git annex unused | grep -v checking; find .git/annex/tmp .git/annex/bad -type f | sort; cut -d' ' -f1,2 .git/annex/unused .git/annex/badunused .git/annex/tmpunused`,
	`cd a && git annex addunused 2 >/dev/null 2>&1; echo $?; git annex drop -q --force --unused; git annex dropunused 1 2-3; find .git/annex/tmp .git/annex/bad -type f | sort; git annex unused; git annex dropunused all; git annex dropunused 9 2>/dev/null; echo $?`,
	`cd a && git annex unused; find .git/annex/tmp .git/annex/bad -type f | sort; git annex fsck -q h >/dev/null && echo fine`,
}

func TestLeftoversAreUnused(t *testing.T) { likeGitAnnex(t, leftoverSteps) }
