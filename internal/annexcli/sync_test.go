package annexcli

import "testing"

// syncSteps bring content where it is wanted; the order of transfers is ours.
var syncSteps = []string{
	`git init -q a && cd a && git annex init A -q && mkdir d && echo one > a.txt && echo two > b.bin && echo same > d/s1 && echo same > d/s2 && git annex add -q . && git commit -qm first`,
	`git clone -q a b && cd b && git annex init B -q && cd ../a && git remote add b ../b && mkdir ../dir && git annex initremote -q dirr type=directory directory=../dir encryption=none`,
	`cd a && git annex move -q --to dirr b.bin && git annex sync -q b >/dev/null`,
	`cp -a a a1; cp -a b b1; cp -a dir dir1`,
	`cd a && git annex sync --content --no-commit | tr '\r' '\n' | grep -o '^[a-z]* .*(.*)' | sort; git annex find --in dirr; git annex find --in b`,
	`cd a && git annex sync --cleanup; git branch -a; git -C ../b branch`,
	`cd a && git annex wanted . 'include=*.txt' && git annex sync --content-of b.bin --content-of d | grep drop | sort; git annex find`,
	`cd a && git annex wanted . 'include=*.txt or include=d/s2'; git annex sync --content --no-commit | grep -o '^[a-z]* .*(' ; git annex find`,
	`cd a && git annex wanted b 'include=*.bin' && git annex sync --content | grep drop | sort; git annex find --in b`,
	`cd a && git annex wanted . 'not copies=2' && git annex wanted dirr 'exclude=*' && git annex sync --content | grep -o '^drop .*' | sort; git annex find --in dirr; git annex find --in b`,
	`cd a && git annex required . 'include=a.txt' && git annex wanted . 'exclude=*'; git annex sync --content | grep -o '^drop .*' | sort; git annex find`,
	`cd a && git annex required . 'include=d/*' && git annex wanted . '' && git annex wanted b '' && git annex wanted dirr '' && git annex sync --content | grep -o '^drop .*' | sort; git annex find`,
	`rm -rf b dir; chmod -R u+w a; rm -rf a; mv a1 a; mv b1 b; mv dir1 dir`,
	`cd a && git config annex.synccontent true && git annex sync --no-content | grep -c copy; git annex sync -q >/dev/null; git annex find`,
	`cd a && git annex drop -q b.bin && git config --unset annex.synccontent && git annex config --set annex.synconlyannex true && git annex sync -q --not-only-annex >/dev/null; git annex find; git annex sync -q; git annex find`,
	`cd a && git annex drop -q b.bin && git annex sync -q --only-annex; git annex find`,
	`cd a && git annex drop -q b.bin; K=$(git annex lookupkey b.bin); git rm -q b.bin && git commit -qm gone && git annex sync -q --content --not-only-annex >/dev/null; git annex contentlocation $K; git annex sync -q --content --all --not-only-annex >/dev/null; git annex contentlocation $K`,
	`mv b gone; cd a && git annex sync --not-only-annex --no-content | grep -v 'commit,\|On branch'; mv ../gone ../b`,
	`cd a && git checkout -q -b other && git commit -q --allow-empty -m other && git checkout -q main && git annex merge other >/dev/null && git log --format=%s -1`,
	`cd a && git annex merge nope`,
	`cd a && git checkout -q --orphan z && git rm -rqf . && git commit -q --allow-empty -m z && git annex merge main; git annex merge --allow-unrelated-histories main >/dev/null; git ls-files`,
}

func TestSyncLikeGitAnnex(t *testing.T) { likeGitAnnex(t, syncSteps) }
