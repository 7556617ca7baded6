package annexcli

import "testing"

// bigKey begins a key whose size fills 63 bits; another digit is added to it.
const bigKey = `SHA256E-s9223372036854775807--aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa`

var infoSumSteps = []string{
	`git init -q a && cd a && git annex init A -q && echo one > a.txt && git annex add -q . && for i in 1 2 3; do ln -s .git/annex/objects/aa/bb/` + bigKey + `$i/` + bigKey + `$i big$i && git add big$i; done && git commit -qm 1`,
	`cd a && git annex info . --bytes --json; git annex info .; git annex info big1 --json; git annex info HEAD --json --bytes`,
	`cd a && for s in 100EB 9223372036854775807 9223372036854775808 99999999999999999999999999 '1000 YB' 5b '0.003 kb' '5. kb' '5 .kb'; do git annex find --anything --size-limit "$s" a.txt; git annex find --anything --smallerthan "$s"; done`,
	`cd a && mkdir ../x && git annex initremote -q x uuid=00000000-1000-0000-0000-000000000000 type=directory directory=../x encryption=none exporttree=yes && git annex info x --json; git annex info --fast x`,
	`cd a && git annex export -q HEAD --to x 2>/dev/null; git annex info x --json; git annex info --fast 00000000-1000-0000-0000-000000000000; git annex info --json --fast 00000000-1000-0000-0000-000000000000`,
	// Somebody else has exported another tree.
	`cd a && git annex merge -q; t=$(git rev-parse git-annex^{tree}) && git worktree add -q ../wt git-annex && cd ../wt && sed "s/^\([0-9.]*s\) [^:]*:\([^ ]*\) .*/\1 11111111-2222-3333-4444-555555555555:\2 $t/" export.log > more && cat more >> export.log && rm more && git commit -qam x; cd ../a && git worktree remove ../wt; git annex info --json --fast x | tr ' ' '\n' | grep -c '[0-9a-f]\{40\}'`,
}

func TestInfoSumsAreGitAnnexs(t *testing.T) { likeGitAnnex(t, infoSumSteps) }

// TestSizesBeyondAllMeasure: a name with such a size is no key. It is not taken
// for one of another size.
func TestSizesBeyondAllMeasure(t *testing.T) {
	w := relayStart(t)
	for _, size := range []string{"9223372036854775808", "18446744073709551616", "18446744073709551626", "99999999999999999999999999"} {
		key := "SHA256E-s" + size + "--" + bigKey[len("SHA256E-s9223372036854775807--"):] + "1"
		step := `cd a && ln -s .git/annex/objects/aa/bb/` + key + `/` + key + ` l && git add l && git annex find --anything l; git annex find --largerthan 1gb; git annex get l; git annex fsck --fast l; git rm -q -f l; ` +
			`for c in examinekey 'get --key' contentlocation; do git annex $c ` + key + ` 2>&1; done`
		if got, want := lines(w.run(step)), "git-annex: bad key "+key; got != want+"\n"+want+"\n"+want {
			t.Errorf("%s: %q", size, got)
		}
	}
}
