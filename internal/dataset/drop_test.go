package dataset

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/stemma-data/stemma/internal/pointer"
	"github.com/stemma-data/stemma/internal/result"
)

func drop(t *testing.T, d *Dataset, opt DropOptions) string {
	t.Helper()
	got := &result.Collector{}
	if err := d.Drop(t.Context(), opt, got); err != nil {
		t.Fatal(err)
	}
	return recordLines(d, got.Records)
}

const unsafeZero = "unsafe; Could only verify the existence of 0 out of 1 necessary copy; (Use --reckless availability to override this check, or adjust numcopies.)"

func TestDropNeedsAnotherCopy(t *testing.T) {
	src := newSource(t)
	check(t, "only copy", drop(t, src, DropOptions{Paths: []string{"f1.dat"}}), "drop(error): f1.dat (file) ["+unsafeZero+"]")
	d := clone(t, src)
	get(t, d, GetOptions{})
	check(t, "copy at origin", drop(t, d, DropOptions{Paths: []string{"f1.dat"}}), "drop(ok): f1.dat (file)")
	check(t, "again", drop(t, d, DropOptions{Paths: []string{"f1.dat"}}), "drop(notneeded): f1.dat (file) [no annex'ed content]")
	check(t, "folder", drop(t, d, DropOptions{Paths: []string{"dir"}}), "drop(ok): dir/a (file)\ndrop(ok): dir/b (file)\ndrop(ok): dir (directory)")
	check(t, "unknown", drop(t, d, DropOptions{Paths: []string{"nosuch"}}), "drop(error): nosuch (file) [path does not exist]")
	check(t, "two files, one key", drop(t, d, DropOptions{Paths: []string{"f2.dat", "same.dat"}}),
		"drop(ok): f2.dat (file)\ndrop(notneeded): same.dat (file) [no annex'ed content]")
	checkClean(t, d)
	out := runIn(t, d, d.Path(), "git-annex", "whereis", "f1.dat")
	if !strings.Contains(out, "(1 copy)") || strings.Contains(out, "[here]") {
		t.Errorf("whereis after drop: %s", out)
	}
	if locks := leftLocks(t, d, src); locks != "" {
		t.Errorf("lock files left:\n%s", locks)
	}
	check(t, "reckless", drop(t, src, DropOptions{Paths: []string{"f1.dat"}, Reckless: "availability"}), "drop(ok): f1.dat (file)")
	checkClean(t, d)
}

func leftLocks(t *testing.T, list ...*Dataset) string {
	t.Helper()
	var all []string
	for _, d := range list {
		out, _ := exec.Command("find", d.Annex.Dir("objects"), "-name", "*.lck").Output()
		if len(out) > 0 {
			all = append(all, string(out))
		}
	}
	return strings.Join(all, "")
}

func TestDropCountsCopies(t *testing.T) {
	src := newSource(t)
	other := clone(t, src)
	get(t, other, GetOptions{})
	d := clone(t, src)
	get(t, d, GetOptions{})
	runIn(t, d, d.Path(), "git-annex", "numcopies", "2")
	want := "drop(error): f1.dat (file) [unsafe; Could only verify the existence of 1 out of 2 necessary copies; (Use --reckless availability to override this check, or adjust numcopies.)]"
	check(t, "numcopies 2", drop(t, d, DropOptions{Paths: []string{"f1.dat"}}), want)
	d.gitOut(t, "remote", "add", "other", other.Path())
	d.gitOut(t, "fetch", "-q", "other")
	d = reopen(t, d.Path(), d.Env)
	check(t, "untrusted does not count", func() string {
		d.gitOut(t, "config", "remote.other.annex-trustlevel", "untrusted")
		d = reopen(t, d.Path(), d.Env)
		return drop(t, d, DropOptions{Paths: []string{"f1.dat"}})
	}(), want)
	d.gitOut(t, "config", "--unset", "remote.other.annex-trustlevel")
	d = reopen(t, d.Path(), d.Env)
	check(t, "two remotes", drop(t, d, DropOptions{Paths: []string{"f1.dat"}}), "drop(ok): f1.dat (file)")
	if err := os.WriteFile(d.Repo.Path(".gitattributes"), []byte("* annex.backend=MD5E\nsame.dat annex.numcopies=3\n**/.git* annex.largefiles=nothing\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	save(t, d, SaveOptions{})
	d = reopen(t, d.Path(), d.Env)
	check(t, "another file with the key wants more", drop(t, d, DropOptions{Paths: []string{"f2.dat"}}),
		"drop(error): f2.dat (file) [unsafe; Could only verify the existence of 2 out of 3 necessary copies; (Use --reckless availability to override this check, or adjust numcopies.)]")
	checkClean(t, d)
}

func TestDropTrustedCountsByTheLogAlone(t *testing.T) {
	src := newSource(t)
	d := clone(t, src)
	get(t, d, GetOptions{})
	runIn(t, d, d.Path(), "git-annex", "trust", "--force", "origin")
	d.gitOut(t, "remote", "remove", "origin")
	d = reopen(t, d.Path(), d.Env)
	check(t, "trusted", drop(t, d, DropOptions{Paths: []string{"f1.dat"}}), "drop(ok): f1.dat (file)")
}

// TestDropLooksNow: the log says that origin has a copy, but it has not.
func TestDropLooksNow(t *testing.T) {
	src := newSource(t)
	d := clone(t, src)
	get(t, d, GetOptions{})
	drop(t, src, DropOptions{Paths: []string{"f1.dat"}, Reckless: "availability"})
	check(t, "gone there", drop(t, d, DropOptions{Paths: []string{"f1.dat"}}), "drop(error): f1.dat (file) ["+unsafeZero+"]")
}

func TestDropNamesRemotesOutOfReach(t *testing.T) {
	src := newSource(t)
	d := clone(t, src)
	get(t, d, GetOptions{})
	if err := os.Rename(src.Path(), src.Path()+".moved"); err != nil {
		t.Fatal(err)
	}
	d = reopen(t, d.Path(), d.Env)
	want := "unsafe; Could only verify the existence of 0 out of 1 necessary copy; Unable to access these remotes: origin; (Use --reckless availability"
	if got := drop(t, d, DropOptions{Paths: []string{"f1.dat"}}); !strings.Contains(got, want) {
		t.Error(got)
	}
}

func TestDropKeepsUnsavedContent(t *testing.T) {
	src := newSource(t)
	d := clone(t, src)
	get(t, d, GetOptions{})
	unlock(t, d, UnlockOptions{Paths: []string{"f1.dat"}})
	writeFile(t, d, "new", "new")
	check(t, "modified", drop(t, d, DropOptions{Paths: []string{"f1.dat"}}), "drop(impossible): f1.dat (file) [cannot drop modified content, save first]")
	check(t, "untracked", drop(t, d, DropOptions{Paths: []string{"new"}}), "drop(impossible): new (file) [cannot drop untracked content, save first]")
}

// both returns two clones that each have the content, know of each other's
// copy, and of no third one.
func both(t *testing.T) (a, b *Dataset, files []string) {
	t.Helper()
	src := newDataset(t)
	for i := range 60 {
		f := fmt.Sprintf("f%02d", i)
		writeFile(t, src, f, "content of "+f)
		files = append(files, f)
	}
	save(t, src, SaveOptions{})
	a, b = clone(t, src), clone(t, src)
	for _, d := range []*Dataset{a, b} {
		get(t, d, GetOptions{})
	}
	drop(t, src, DropOptions{Reckless: "availability"})
	for _, pair := range [][2]*Dataset{{a, b}, {b, a}} {
		pair[0].gitOut(t, "remote", "remove", "origin")
		pair[0].gitOut(t, "remote", "add", "peer", pair[1].Path())
		pair[0].gitOut(t, "fetch", "-q", "peer")
	}
	return reopen(t, a.Path(), a.Env), reopen(t, b.Path(), b.Env), files
}

// survivors fails if any content is in neither clone.
func survivors(t *testing.T, a, b *Dataset, files []string) {
	t.Helper()
	dropped := 0
	for _, f := range files {
		target, err := os.Readlink(a.Repo.Path(f))
		if err != nil {
			t.Fatal(err)
		}
		k, _ := pointer.ParseLink(target)
		switch inA, inB := a.Annex.Has(k), b.Annex.Has(k); {
		case !inA && !inB:
			t.Errorf("the last copy of %s is lost", f)
		case !inA || !inB:
			dropped++
		}
	}
	t.Logf("%d of %d keys were dropped on one side", dropped, len(files))
	if dropped == 0 {
		t.Error("nothing was dropped at all")
	}
	if locks := leftLocks(t, a, b); locks != "" {
		t.Errorf("lock files left:\n%s", locks)
	}
}

func TestConcurrentDropsKeepOneCopy(t *testing.T) {
	a, b, files := both(t)
	var wg sync.WaitGroup
	for _, d := range []*Dataset{a, b, reopen(t, a.Path(), a.Env), reopen(t, b.Path(), b.Env)} {
		wg.Go(func() {
			if err := d.Drop(t.Context(), DropOptions{}, result.Discard); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	survivors(t, a, b, files)
	checkClean(t, a)
	checkClean(t, b)
}

// TestConcurrentDropsWithGitAnnex: the real program drops in the other clone.
func TestConcurrentDropsWithGitAnnex(t *testing.T) {
	a, b, files := both(t)
	annex, err := exec.LookPath("git-annex")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("git-annex is missing")
		}
		t.Skip("git-annex is not installed")
	}
	var wg sync.WaitGroup
	reversed := make([]string, len(files))
	for i, f := range files {
		reversed[len(files)-1-i] = f
	}
	wg.Go(func() {
		cmd := exec.Command(annex, append([]string{"drop", "-J2"}, files...)...)
		cmd.Dir, cmd.Env = b.Path(), b.Env.Vars
		out, _ := cmd.CombinedOutput() // fails for what we dropped
		t.Logf("git annex drop: %d ok, %d failed", strings.Count(string(out), " ok\n"), strings.Count(string(out), "failed\n"))
	})
	wg.Go(func() {
		for _, f := range reversed {
			if err := a.Drop(t.Context(), DropOptions{Paths: []string{f}}, result.Discard); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
	survivors(t, a, b, files)
	checkClean(t, a)
}

// TestDropHonoursALockOfGitAnnex holds the lock that git-annex takes on
// content it relies on.
func TestDropHonoursForeignLocks(t *testing.T) {
	src := newSource(t)
	d := clone(t, src)
	get(t, d, GetOptions{})
	target, _ := os.Readlink(d.Repo.Path("f1.dat"))
	k, _ := pointer.ParseLink(target)
	ours, err := d.ownStore().Share(k)
	if err != nil {
		t.Fatal(err)
	}
	if got := drop(t, d, DropOptions{Paths: []string{"f1.dat"}, Reckless: "availability"}); !strings.Contains(got, "drop(error): f1.dat (file) [content is locked") {
		t.Error(got)
	}
	ours.Release()
	// Somebody drops at origin: its copy counts no longer.
	there := src.ownStore()
	theirs, err := there.Exclude(k)
	if err != nil {
		t.Fatal(err)
	}
	check(t, "being dropped at origin", drop(t, d, DropOptions{Paths: []string{"f1.dat"}}), "drop(error): f1.dat (file) ["+unsafeZero+"]")
	theirs.Release()
	check(t, "free again", drop(t, d, DropOptions{Paths: []string{"f1.dat"}}), "drop(ok): f1.dat (file)")
}
