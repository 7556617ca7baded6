package annexcli

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stemma-data/stemma/internal/fsx"
)

const fsckWorld = `git init -q a && cd a && git annex init A -q && for i in 1 2 3 4; do echo content $i > f$i; done && echo content 1 > same && git annex add -q . && git commit -qm 1 && mkdir ../d && ` +
	`git annex initremote d uuid=00000000-1000-0000-0000-000000000000 type=directory directory=../d encryption=none -q && git annex copy -q --to d f1 f2`

var fsckPassSteps = []string{
	fsckWorld,
	`cd a && git annex fsck --incremental f2 f4`,
	`cd a && git annex fsck --more --json`,
	`cd a && git annex fsck --more`,
	`cd a && git annex fsck -S --size-limit 20b; git annex fsck -m --size-limit 20b; git annex fsck -m`,
	`cd a && git annex fsck --from d --incremental f2; git annex fsck --from d --more --fast --json`,
	`cd a && git annex fsck --incremental-schedule=1d f2; git annex fsck --incremental-schedule=1d f2; git annex fsck -S f2; git annex fsck --incremental-schedule=30d f2 f4`,
	`cd a && git annex fsck --more --incremental f2 2>&1 | head -n 1; git annex fsck --incremental --incremental-schedule 1d f2 2>&1 | head -n 1; git annex fsck --incremental-schedule=1x 2>&1 | head -n 1`,
	`cd a && chmod -R u+w .git/annex/objects && echo contXnt 3 > $(git annex contentlocation $(git annex lookupkey f3)); git annex fsck --incremental --json --json-error-messages; git annex fsck --more --json --json-error-messages`,
}

func TestFsckPassesAreGitAnnexs(t *testing.T) { likeGitAnnex(t, fsckPassSteps) }

func TestFsckPassSurvivesWhatACrashLeaves(t *testing.T) {
	w := ourWorld(t)
	w.run(fsckWorld)
	dirs, _ := filepath.Glob(filepath.Join(w.dir, "a/.git/annex"))
	if len(dirs) != 1 {
		t.Fatal("no repository: " + w.complaint)
	}
	say := func(step, want string) {
		t.Helper()
		if got := lines(w.run("cd a && " + step)); got != want {
			t.Errorf("%s: %q, want %q\n%s", step, got, want, w.complaint)
		}
	}
	const all = "fsck f3 (checksum...) ok\nfsck f4 (checksum...) ok"
	say("git annex fsck --incremental f1 f2", "fsck f1 (checksum...) ok\nfsck f2 (checksum...) ok")
	files, _ := filepath.Glob(filepath.Join(dirs[0], "fsck/*/stemma-pass"))
	if len(files) != 1 {
		t.Fatal(files)
	}
	pass := files[0]
	f, err := os.OpenFile(pass, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString("a write that was cut")
	f.Close()
	say("git annex fsck --more", all)
	say("git annex fsck --more", "")
	for _, damage := range []string{"", "stmfsck", "something else than that"} {
		if err := os.WriteFile(pass, []byte(damage), 0o644); err != nil {
			t.Fatal(err)
		}
		say("git annex fsck --more f4 f3", "fsck f4 (checksum...) ok\nfsck f3 (checksum...) ok")
		say("git annex fsck --more f4 f3", "")
	}
	lock, err := fsx.TryLockFile(pass+".lck", false)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Unlock()
	say("git annex fsck --incremental || echo refused", "refused")
	say("git annex fsck --more f4", "")
}
