package annexcli

import (
	"os/exec"
	"testing"
)

// TestExportKeepsTheLastCopy: content that lies nowhere but in the exported tree
// gets another name there. git-annex deletes it where nothing can be renamed.
func TestExportKeepsTheLastCopy(t *testing.T) {
	for _, kind := range []string{"type=directory directory=../d exporttree=yes importtree=yes", "type=directory directory=../d exporttree=yes", "type=rsync rsyncurl=../d exporttree=yes"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath("rsync"); err != nil {
				t.Skip("there is no rsync")
			}
			w := ourWorld(t)
			w.prelude = `has() { test "$(cat ../d/$1)" = "$2"; }; `
			w.must(t, `git init -q a && cd a && git annex init -q && mkdir ../d && for n in one two three; do echo $n > $n; done; git annex add -q . && git commit -qm 1 && git annex initremote -q d encryption=none `+kind+` && git annex export -q main --to d && git annex drop -q --force .`)
			w.must(t, `cd a && git mv one eins && git commit -qm 2 && git annex export main --to d && has eins one && ! test -e ../d/one && git annex get -q eins && git annex drop -q --force eins && git annex get -q --from d eins && git annex drop -q --force eins`)
			// Two that change places; one that is added again elsewhere, in a folder.
			w.must(t, `cd a && git mv eins t && git mv two eins && git mv t two && cp -P three .git/3 && git rm -q three && mkdir sub && mv .git/3 sub/3 && git add sub && git annex fix -q && git add . && git commit -qm 3 && git annex export main --to d && has eins two && has two one && has sub/3 three && ! test -e ../d/three && git annex drop -q --force . && git annex get -q . && git annex drop -q --force .`)
			// A copy that could not be exported as its content is not here.
			w.must(t, `cd a && cp -P two copy && git add copy && git commit -qm 4; git annex export -q main --to d; git rm -q two && git commit -qm 5 && git annex export main --to d && has copy one && ! test -e ../d/two && git annex drop -q --force .`)
		})
	}
}

// TestExportRefusesToLoseTheLastCopy: it cannot be brought here first.
func TestExportRefusesToLoseTheLastCopy(t *testing.T) {
	t.Parallel()
	w := ourWorld(t)
	w.must(t, `git init -q a && cd a && git annex init -q && mkdir ../d && echo one > one && git annex add -q . && git commit -qm 1 && git annex initremote -q d encryption=none type=directory directory=../d exporttree=yes importtree=yes && git annex export -q main --to d && git annex drop -q --force . && git mv one eins && git commit -qm 2`)
	w.must(t, `cd a && ! git -c annex.diskreserve=9999tb annex export main --to d >../out 2>&1; grep 'its content is nowhere else and needed for eins' ../out && test "$(cat ../d/one)" = one`)
	w.must(t, `cd a && git annex export main --to d && test "$(cat ../d/eins)" = one && ! test -e ../d/one`)
}
