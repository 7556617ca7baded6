package discard

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/dataset/datasettest"
	"github.com/stemma-data/stemma/internal/fetch"
	"github.com/stemma-data/stemma/internal/pointer"
	"github.com/stemma-data/stemma/internal/result"
)

func drop(t *testing.T, d *dataset.Dataset, opt Options) string {
	t.Helper()
	got := &result.Collector{}
	if err := Drop(t.Context(), d, opt, got); err != nil {
		t.Fatal(err)
	}
	return datasettest.RecordLines(d, got.Records)
}

const unsafeZero = "unsafe; Could only verify the existence of 0 out of 1 necessary copy; (Use --reckless availability to override this check, or adjust numcopies.)"

func TestDropNeedsAnotherCopy(t *testing.T) {
	src := datasettest.NewSource(t)
	datasettest.Check(t, "only copy", drop(t, src, Options{Paths: []string{"f1.dat"}}), "drop(error): f1.dat (file) ["+unsafeZero+"]")
	d := datasettest.Clone(t, src)
	get(t, d, fetch.Options{})
	datasettest.Check(t, "copy at origin", drop(t, d, Options{Paths: []string{"f1.dat"}}), "drop(ok): f1.dat (file)")
	datasettest.Check(t, "again", drop(t, d, Options{Paths: []string{"f1.dat"}}), "drop(notneeded): f1.dat (file) [no annex'ed content]")
	datasettest.Check(t, "folder", drop(t, d, Options{Paths: []string{"dir"}}), "drop(ok): dir/a (file)\ndrop(ok): dir/b (file)\ndrop(ok): dir (directory)")
	datasettest.Check(t, "unknown", drop(t, d, Options{Paths: []string{"nosuch"}}), "drop(error): nosuch (file) [path does not exist]")
	datasettest.Check(t, "two files, one key", drop(t, d, Options{Paths: []string{"f2.dat", "same.dat"}}),
		"drop(ok): f2.dat (file)\ndrop(notneeded): same.dat (file) [no annex'ed content]")
	datasettest.CheckClean(t, d)
	out := datasettest.RunIn(t, d, d.Path(), "git-annex", "whereis", "f1.dat")
	if !strings.Contains(out, "(1 copy)") || strings.Contains(out, "[here]") {
		t.Errorf("whereis after drop: %s", out)
	}
	if locks := leftLocks(t, d, src); locks != "" {
		t.Errorf("lock files left:\n%s", locks)
	}
	datasettest.Check(t, "reckless", drop(t, src, Options{Paths: []string{"f1.dat"}, Reckless: "availability"}), "drop(ok): f1.dat (file)")
	datasettest.CheckClean(t, d)
}

func leftLocks(t *testing.T, list ...*dataset.Dataset) string {
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
	src := datasettest.NewSource(t)
	other := datasettest.Clone(t, src)
	get(t, other, fetch.Options{})
	d := datasettest.Clone(t, src)
	get(t, d, fetch.Options{})
	datasettest.RunIn(t, d, d.Path(), "git-annex", "numcopies", "2")
	want := "drop(error): f1.dat (file) [unsafe; Could only verify the existence of 1 out of 2 necessary copies; (Use --reckless availability to override this check, or adjust numcopies.)]"
	datasettest.Check(t, "numcopies 2", drop(t, d, Options{Paths: []string{"f1.dat"}}), want)
	datasettest.GitOut(t, d, "remote", "add", "other", other.Path())
	datasettest.GitOut(t, d, "fetch", "-q", "other")
	d = datasettest.Reopen(t, d.Path(), d.Env)
	datasettest.Check(t, "untrusted does not count", func() string {
		datasettest.GitOut(t, d, "config", "remote.other.annex-trustlevel", "untrusted")
		d = datasettest.Reopen(t, d.Path(), d.Env)
		return drop(t, d, Options{Paths: []string{"f1.dat"}})
	}(), want)
	datasettest.GitOut(t, d, "config", "--unset", "remote.other.annex-trustlevel")
	d = datasettest.Reopen(t, d.Path(), d.Env)
	datasettest.Check(t, "two remotes", drop(t, d, Options{Paths: []string{"f1.dat"}}), "drop(ok): f1.dat (file)")
	if err := os.WriteFile(d.Repo.Path(".gitattributes"), []byte("* annex.backend=MD5E\nsame.dat annex.numcopies=3\n**/.git* annex.largefiles=nothing\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	datasettest.Save(t, d)
	d = datasettest.Reopen(t, d.Path(), d.Env)
	datasettest.Check(t, "another file with the key wants more", drop(t, d, Options{Paths: []string{"f2.dat"}}),
		"drop(error): f2.dat (file) [unsafe; Could only verify the existence of 2 out of 3 necessary copies; (Use --reckless availability to override this check, or adjust numcopies.)]")
	datasettest.CheckClean(t, d)
}

func TestDropTrustedCountsByTheLogAlone(t *testing.T) {
	src := datasettest.NewSource(t)
	d := datasettest.Clone(t, src)
	get(t, d, fetch.Options{})
	datasettest.RunIn(t, d, d.Path(), "git-annex", "trust", "--force", "origin")
	datasettest.GitOut(t, d, "remote", "remove", "origin")
	d = datasettest.Reopen(t, d.Path(), d.Env)
	datasettest.Check(t, "trusted", drop(t, d, Options{Paths: []string{"f1.dat"}}), "drop(ok): f1.dat (file)")
}

// TestDropLooksNow: the log says that origin has a copy, but it has not.
func TestDropLooksNow(t *testing.T) {
	src := datasettest.NewSource(t)
	d := datasettest.Clone(t, src)
	get(t, d, fetch.Options{})
	drop(t, src, Options{Paths: []string{"f1.dat"}, Reckless: "availability"})
	datasettest.Check(t, "gone there", drop(t, d, Options{Paths: []string{"f1.dat"}}), "drop(error): f1.dat (file) ["+unsafeZero+"]")
}

func TestDropNamesRemotesOutOfReach(t *testing.T) {
	src := datasettest.NewSource(t)
	d := datasettest.Clone(t, src)
	get(t, d, fetch.Options{})
	if err := os.Rename(src.Path(), src.Path()+".moved"); err != nil {
		t.Fatal(err)
	}
	d = datasettest.Reopen(t, d.Path(), d.Env)
	want := "unsafe; Could only verify the existence of 0 out of 1 necessary copy; Unable to access these remotes: origin; (Use --reckless availability"
	if got := drop(t, d, Options{Paths: []string{"f1.dat"}}); !strings.Contains(got, want) {
		t.Error(got)
	}
}

func TestDropKeepsUnsavedContent(t *testing.T) {
	src := datasettest.NewSource(t)
	d := datasettest.Clone(t, src)
	get(t, d, fetch.Options{})
	datasettest.RunIn(t, d, d.Path(), "git-annex", "unlock", "f1.dat")
	datasettest.WriteFile(t, d, "new", "new")
	datasettest.Check(t, "modified", drop(t, d, Options{Paths: []string{"f1.dat"}}), "drop(impossible): f1.dat (file) [cannot drop modified content, save first]")
	datasettest.Check(t, "untracked", drop(t, d, Options{Paths: []string{"new"}}), "drop(impossible): new (file) [cannot drop untracked content, save first]")
}

// both returns two clones that each have the content, know of each other's
// copy, and of no third one.
func both(t *testing.T) (a, b *dataset.Dataset, files []string) {
	t.Helper()
	src := datasettest.New(t)
	for i := range 60 {
		f := fmt.Sprintf("f%02d", i)
		datasettest.WriteFile(t, src, f, "content of "+f)
		files = append(files, f)
	}
	datasettest.Save(t, src)
	a, b = datasettest.Clone(t, src), datasettest.Clone(t, src)
	for _, d := range []*dataset.Dataset{a, b} {
		get(t, d, fetch.Options{})
	}
	drop(t, src, Options{Reckless: "availability"})
	for _, pair := range [][2]*dataset.Dataset{{a, b}, {b, a}} {
		datasettest.GitOut(t, pair[0], "remote", "remove", "origin")
		datasettest.GitOut(t, pair[0], "remote", "add", "peer", pair[1].Path())
		datasettest.GitOut(t, pair[0], "fetch", "-q", "peer")
	}
	return datasettest.Reopen(t, a.Path(), a.Env), datasettest.Reopen(t, b.Path(), b.Env), files
}

// survivors fails if any content is in neither clone.
func survivors(t *testing.T, a, b *dataset.Dataset, files []string) {
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
	for _, d := range []*dataset.Dataset{a, b, datasettest.Reopen(t, a.Path(), a.Env), datasettest.Reopen(t, b.Path(), b.Env)} {
		wg.Go(func() {
			if err := Drop(t.Context(), d, Options{}, result.Discard); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	survivors(t, a, b, files)
	datasettest.CheckClean(t, a)
	datasettest.CheckClean(t, b)
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
			if err := Drop(t.Context(), a, Options{Paths: []string{f}}, result.Discard); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
	survivors(t, a, b, files)
	datasettest.CheckClean(t, a)
}

// TestDropHonoursALockOfGitAnnex holds the lock that git-annex takes on
// content it relies on.
func TestDropHonoursForeignLocks(t *testing.T) {
	src := datasettest.NewSource(t)
	d := datasettest.Clone(t, src)
	get(t, d, fetch.Options{})
	target, _ := os.Readlink(d.Repo.Path("f1.dat"))
	k, _ := pointer.ParseLink(target)
	ours, err := d.OwnStore().Share(k)
	if err != nil {
		t.Fatal(err)
	}
	if got := drop(t, d, Options{Paths: []string{"f1.dat"}, Reckless: "availability"}); !strings.Contains(got, "drop(error): f1.dat (file) [content is locked") {
		t.Error(got)
	}
	ours.Release()
	// Somebody drops at origin: its copy counts no longer.
	there := src.OwnStore()
	theirs, err := there.Exclude(k)
	if err != nil {
		t.Fatal(err)
	}
	datasettest.Check(t, "being dropped at origin", drop(t, d, Options{Paths: []string{"f1.dat"}}), "drop(error): f1.dat (file) ["+unsafeZero+"]")
	theirs.Release()
	datasettest.Check(t, "free again", drop(t, d, Options{Paths: []string{"f1.dat"}}), "drop(ok): f1.dat (file)")
}

// TestDropKeepsRequiredContent: what this repository must keep stays, whatever
// other repositories have.
func TestDropKeepsRequiredContent(t *testing.T) {
	d := datasettest.Clone(t, datasettest.NewSource(t))
	get(t, d, fetch.Options{})
	datasettest.RunIn(t, d, d.Path(), "git-annex", "required", ".", "include=*2.dat or include=dir/*")
	d = datasettest.Reopen(t, d.Path(), d.Env)
	const override = "; (Use --reckless availability to override this check, or adjust required content configuration.)"
	const itself = " [That file is required content. It cannot be dropped!" + override + "]"
	datasettest.Check(t, "itself", drop(t, d, Options{Paths: []string{"f2.dat"}}), "drop(error): f2.dat (file)"+itself)
	datasettest.Check(t, "the same content", drop(t, d, Options{Paths: []string{"same.dat"}}),
		"drop(error): same.dat (file) [That file has the same content as another file (./f2.dat), which is required content. It cannot be dropped!"+override+"]")
	datasettest.Check(t, "a folder", drop(t, d, Options{Paths: []string{"dir", "f1.dat"}}),
		"drop(error): dir/a (file)"+itself+"\ndrop(error): dir/b (file)"+itself+"\ndrop(ok): f1.dat (file)\ndrop(impossible): dir (directory) [could not drop some content in %s %s]")
	datasettest.CheckClean(t, d)
	if got := drop(t, d, Options{What: AllKeys}); strings.Count(got, "required content. It cannot be dropped!\n(Use --reckless availability") != 3 {
		t.Errorf("all keys:\n%s", got)
	}
	datasettest.Check(t, "reckless", drop(t, d, Options{Paths: []string{"dir/a"}, Reckless: Availability}), "drop(ok): dir/a (file)")
}

// TestDropKeepsAllWhereRequirementsAreUnknown: an expression of a newer program may
// require anything.
func TestDropKeepsAllWhereRequirementsAreUnknown(t *testing.T) {
	d := datasettest.Clone(t, datasettest.NewSource(t))
	get(t, d, fetch.Options{})
	edit := annex.LogEdit{Path: annexlog.RequiredContentFile, Change: func([]byte) []byte {
		return []byte(d.Annex.UUID + " nosuchterm=1 timestamp=1s\n")
	}}
	if err := d.Annex.Commit(t.Context(), []annex.LogEdit{edit}, time.Now(), "test"); err != nil {
		t.Fatal(err)
	}
	got := drop(t, d, Options{Paths: []string{"f1.dat"}})
	if !strings.Contains(got, "drop(error): f1.dat (file) [It may be required content.") || !strings.Contains(got, "nosuchterm=1") || !strings.Contains(got, "adjust required content configuration") {
		t.Error(got)
	}
	datasettest.Check(t, "reckless", drop(t, d, Options{Paths: []string{"f1.dat"}, Reckless: Availability}), "drop(ok): f1.dat (file)")
}

func TestDropEmptiesUnlockedFiles(t *testing.T) {
	src := datasettest.NewSource(t)
	datasettest.RunIn(t, src, src.Path(), "git-annex", "unlock", "f1.dat")
	datasettest.RunIn(t, src, src.Path(), "git", "commit", "-qm", "unlocked")
	d := datasettest.Clone(t, src)
	get(t, d, fetch.Options{Paths: []string{"f1.dat"}})
	datasettest.Check(t, "drop", drop(t, d, Options{Paths: []string{"f1.dat"}}), "drop(ok): f1.dat (file)")
	text, _ := os.ReadFile(d.Repo.Path("f1.dat"))
	if k, ok := pointer.Parse(text); !ok || d.Annex.Has(k) {
		t.Errorf("after its drop f1.dat is no pointer: %q", text)
	}
	datasettest.CheckClean(t, d)
}

func get(t *testing.T, d *dataset.Dataset, opt fetch.Options) {
	t.Helper()
	if err := fetch.Get(t.Context(), d, opt, result.Discard); err != nil {
		t.Fatal(err)
	}
}
