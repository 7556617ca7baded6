package annexcli

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// tree shows what a folder holds, without what lies below a repository's .git.
const showTree = `show() { (cd $1 && find . -type f | sort | while read f; do echo "$f $(cat "$f")"; done); }; `

// exported shows what the git-annex branch says of exports, without times.
const exported = `exported() { git show git-annex:export.log | sed 's/^[^ ]* [^:]*://' | sort; git for-each-ref --format='%(refname) %(objectname)' refs/remotes | grep -v git-annex | while read r o; do echo "$r $(git log -1 --format='%s %T' $o)"; done; }; `

// noRenames leaves out how content got its new names: git-annex always takes
// the way over temporary ones.
const noRenames = ` | grep -v '"rename ' | sort`

var exportSteps = []string{
	`git init -q a && cd a && git annex init A -q && echo one > one.txt && mkdir sub && echo two > sub/two.dat && cp one.txt copy.txt && git annex add -q . && echo plain > plain.txt && printf '#!/bin/sh\n' > run.sh && chmod +x run.sh && git add plain.txt run.sh && ln -s plain.txt link && git add link && git commit -qm first && mkdir ../e ../d`,
	`cd a && git annex initremote e uuid=00000000-1000-0000-0000-000000000000 type=directory directory=../e encryption=none exporttree=yes`,
	`cd a && git annex initremote d uuid=00000000-2000-0000-0000-000000000000 type=directory directory=../d encryption=none exporttree=yes importtree=yes; git show git-annex:remote.log | sed 's/ timestamp.*//' | sort`,
	`cd a && git annex initremote z uuid=00000000-3000-0000-0000-000000000000 type=directory directory=../e encryption=shared exporttree=yes >/dev/null`,
	showTree + exported + `cd a && git annex export --json main --to e; show ../e; exported`,
	showTree + exported + `cd a && git annex export main --to d --json; show ../d; exported`,
	`cd a && git annex whereis --json; git annex find --in e`,
	exported + `cd a && git annex export main --to e; git annex export main --to d --json; exported`,
	showTree + exported + `cd a && git mv one.txt renamed.txt && git rm -q sub/two.dat && echo three > three && git annex add -q three && git commit -qm second && git annex export --json main --to e` + noRenames + `; show ../e; exported`,
	showTree + exported + `cd a && git annex export HEAD --to d >/dev/null; show ../d; exported`,
	`cd a && git annex whereis --json renamed.txt three; git annex whereis --json --key $(git show HEAD~1:sub/two.dat | sed 's|.*/||')`,
	// Two files change places.
	showTree + exported + `cd a && git mv three x && git mv renamed.txt three && git mv x renamed.txt && mkdir q && git mv copy.txt q/c && git commit -qm swap && git annex export -q main --to e; show ../e; exported`,
	`cd a && git ls-tree -r HEAD; git status --short`,
	`cd a && git annex drop --json three; git annex drop --from e three; git annex copy --to e three; git annex move --from e three >/dev/null`,
	`cd a && git annex drop -q --force three && git annex get --json --from e three && cat three && git annex fsck -q --from e`,
	`cd a && git annex find --in e`,
	// A folder of a branch, and what is not here.
	showTree + exported + `cd a && mkdir u && echo x > u/xx && git annex add -q u && git commit -qm u && mkdir ../f && git annex initremote f uuid=00000000-4000-0000-0000-000000000000 type=directory directory=../f encryption=none exporttree=yes -q && git annex export --json main:u --to f; show ../f; exported`,
	showTree + exported + `cd a && git annex drop -q --force u/xx && git annex export --json main --to f` + noRenames + `; show ../f; exported; git annex export --json main --to f`,
	`cd a && git annex export nosuch --to e; git annex export main --to nosuch; git annex export main; git annex export --to e`,
	`cd a && git annex initremote p uuid=00000000-5000-0000-0000-000000000000 type=directory directory=../d encryption=none -q; git annex export main --to p`,
	// Another clone knows what is there.
	`git clone -q a b && cd b && git annex init B -q && git annex enableremote e directory=../e && git annex get --json --from e three && cat three`,
	showTree + exported + `cd b && git rm -q plain.txt && echo b > b && git annex add -q b && git commit -qm b && git annex export -q main --to e; show ../e; exported`,
	// Two clones export without knowing of each other.
	`cd a && echo a > a && git annex add -q a && git commit -qm a && git annex export --json main --to e` + noRenames,
	showTree + exported + `cd b && git fetch -q && git annex merge -q; git annex export --json main --to e` + noRenames + `; show ../e; exported`,
	`cd a && git remote add b ../b; git fetch -q b; git annex merge -q; git annex get --json --from e three; git annex export -q --tracking main --to e; git config remote.e.annex-tracking-branch`,
	`cd a && git annex merge -q; git annex drop --force --from e a; git fsck --strict 2>&1 | grep -v dangling`,
}

func TestExportIsGitAnnexs(t *testing.T) { likeGitAnnex(t, exportSteps) }

// both is a world in which `git annex` is ours and `real` is git-annex.
func both(t *testing.T) *world {
	t.Helper()
	real, err := exec.LookPath("git-annex")
	if err != nil || os.Getenv("STEMMA_ORACLES") == "none" {
		if os.Getenv("CI") != "" {
			t.Fatal("there is no git-annex; run scripts/oracles")
		}
		t.Skip("git-annex is not asked")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	faces := t.TempDir()
	if err := os.Symlink(self, filepath.Join(faces, "git-annex")); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, faces+":")
	w.prelude = "real() { " + real + ` "$@"; }; ` + showTree + `same() { show $1 > $1.have; rm -rf $1.want; mkdir $1.want; git -C a archive ${2:-main} | tar -x -C $1.want; ` +
		`(cd $1.want; find . -type l ! -path './link' | while read l; do cat "$OLDPWD/a/.git/annex/objects"/*/*/"$(basename "$(readlink "$l")")"/* > tmp; mv tmp "$l"; done; rm -f link); show $1.want > $1.wanted; diff $1.have $1.wanted; }; `
	return w
}

// must runs a step that has to succeed, and returns its output.
func (w *world) must(t *testing.T, step string) string {
	t.Helper()
	out := w.run(w.prelude + step)
	if out[0] != "<nil>" {
		t.Fatalf("%s\n%v\n%s", step, out, w.complaint)
	}
	return strings.TrimSpace(strings.Trim(fmt.Sprint(out[1:]), "[]"))
}

// TestExportsGoOnWithTheOther: each program exports, gets and exports anew what
// the other one has exported.
func TestExportsGoOnWithTheOther(t *testing.T) {
	t.Parallel()
	w := both(t)
	w.must(t, `git init -q a && cd a && real init -q && for i in 1 2 3 4 5 6; do echo $i > f$i; done && mkdir s && cp f1 s/c && echo p > plain && real add -q f* s && git add plain && ln -s f1 link && git add link && git commit -qm 1`)
	for _, kind := range []string{"d1 type=directory directory=../d1", "d2 type=directory directory=../d2 importtree=yes", "d3 type=rsync rsyncurl=../d3"} {
		name := kind[:2]
		first, second := "git annex", "real"
		if name == "d2" {
			first, second = second, first
		}
		w.must(t, `mkdir -p `+name+`; cd a && `+first+` initremote `+kind+` encryption=none exporttree=yes -q`)
		w.must(t, `cd a && git checkout -q main && `+first+` export -q main --to `+name+` && cd .. && same `+name)
		if out := w.must(t, `cd a && `+second+` export --json main --to `+name); strings.Contains(out, "false") {
			t.Errorf("%s: exported already, and %s says %s", kind, second, out)
		}
		w.must(t, `cd a && `+second+` drop -q --force f2 && `+second+` get -q --from `+name+` f2 && `+first+` drop -q --force f3 && `+first+` get -q f3 --from `+name)
		w.must(t, `cd a && git mv f4 g4-`+name+` && echo n > plain-`+name+` && git add plain-`+name+` && git rm -q s/c && echo x > s-`+name+` && real add -q s-`+name+` && git commit -qm `+name+` && `+second+` export -q main --to `+name+` && cd .. && same `+name)
		w.must(t, `cd a && git mv g4-`+name+` f4 && mkdir -p s && git mv f1 s/c && git mv f6 f1 && git commit -qm `+name+` && `+first+` export -q main --to `+name+` && cd .. && same `+name)
		w.must(t, `cd a && real fsck -q --from `+name+` && git annex fsck -q --from `+name+` && git annex merge -q`)
		w.must(t, `cd a && git mv f1 f6 && cp f5 f1 && real add -q f1 && git commit -qm back-`+name+` && git annex export -q HEAD --to `+name+` && cd .. && same `+name)
	}
}

// TestKilledExportsComplete: an export that is killed at any point completes when
// it is repeated. git-annex does not complete ours: it goes by its own database of
// what is where.
func TestKilledExportsComplete(t *testing.T) {
	t.Parallel()
	w := both(t)
	// All sizes differ: git-annex tells files by size, second and inode, and inodes are used again.
	w.must(t, `git init -q a && cd a && git annex init -q && for i in $(seq 60); do printf %0${i}d $i > f$i; done && git annex add -q . && echo p > plain && git add plain && git commit -qm 1 && git checkout -q -b other && for i in $(seq 20); do git mv f$i g$i; printf %0$((i+60))d $i > f$i; done && git annex add -q . && echo q > plain && git rm -q f50 && git mv f60 x && git mv f59 f60 && git mv x f59 && git commit -qam 2`)
	w.must(t, `mkdir d1 d2; cd a && git annex initremote d1 type=directory directory=../d1 encryption=none exporttree=yes -q && git annex initremote d2 type=directory directory=../d2 encryption=none exporttree=yes importtree=yes -q`)
	rounds := 2
	if os.Getenv("STEMMA_SOAK") != "" {
		rounds = 30
	}
	start := time.Now()
	w.must(t, `cd a && git annex export -q main --to d1 && git annex export -q main --to d2`)
	whole := time.Since(start) / 2
	for i := range rounds {
		branch := []string{"other", "main"}[i%2]
		for _, name := range []string{"d1", "d2"} {
			after := time.Duration(rand.Int64N(int64(whole)))
			w.run(fmt.Sprintf(`cd a && timeout -s KILL %.3f git-annex export -q %s --to %s`, after.Seconds(), branch, name))
			w.must(t, fmt.Sprintf(`cd a && git annex export -q %s --to %s && cd .. && same %s %s && cd a && git annex fsck -q --from %s`, branch, name, name, branch, name))
		}
	}
}
