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

const partKey = "SHA256E-s100--aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

var staleSteps = []string{
	`git init -q a && cd a && git annex init A -q && for i in 1 2 3 4; do echo content $i > f$i; done && git annex add -q . && git commit -qm 1 && mkdir ../d && ` +
		`git annex initremote d uuid=00000000-1000-0000-0000-000000000000 type=directory directory=../d encryption=none -q && git annex copy -q --to d f1 f3 && git rm -q f1 && git commit -qm 2 && ` +
		`chmod -R u+w .git/annex/objects && echo contXnt 3 > $(git annex contentlocation $(git annex lookupkey f3)); git annex fsck -q f3; ` +
		`cd .git/annex && mkdir -p tmp && for f in ` + partKey + ` notakey $(ls bad) SHA256E-s10--cff96fdd1d3b92f233c8f562dd9729fa12e3f4a48bd534b7a2c89f0881b50a99; do echo part > tmp/$f; done; mkdir tmp/SHA256E-s1--aa`,
	`cd a && git annex unused` + found + `; cut -d' ' -f1,2 .git/annex/unused .git/annex/badunused .git/annex/tmpunused; ls .git/annex/tmp .git/annex/bad`,
	`cd a && git annex unused --fast`,
	`cd a && git annex unused >/dev/null; git annex numcopies 2 >/dev/null; git annex dropunused 1; git annex numcopies 1 >/dev/null; git annex dropunused 2; git annex addunused 3; git annex dropunused 99; git annex dropunused 0; git annex dropunused x; ls .git/annex/bad`,
	`cd a && git annex dropunused 1 3-4; ls .git/annex/tmp`,
	`cd a && git annex unused` + found + `; git annex dropunused --force all; git annex unused; ls .git/annex/tmp`,
	`cd a && git annex unused --from d` + found + `; cut -d' ' -f1,2 .git/annex/unused`,
	`cd a && git annex dropunused --from d 1; git annex dropunused --from d --force 1; git annex unused --from d; find ../d -type f | wc -l`,
	`cd a && git annex unused --from nosuch; git annex unused --from here`,
	`cd a && mkdir -p .git/annex/tmp && echo part > .git/annex/tmp/` + partKey + ` && git annex unused && git annex addunused 1; git annex dropunused all; git annex dropunused all; ls .git/annex/tmp`,
}

func TestStaleFilesAreGitAnnexs(t *testing.T) { likeGitAnnex(t, staleSteps) }
