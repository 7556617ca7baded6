package dataset

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/result"
)

// unlockedFiles is a dataset with f1.dat and f2.dat, which are unlocked.
func unlockedFiles(t *testing.T) *Dataset {
	t.Helper()
	d := newDataset(t)
	for _, f := range []string{"f1.dat", "f2.dat"} {
		writeFile(t, d, f, "content of "+f+"\n")
	}
	save(t, d, SaveOptions{})
	if err := d.Unlock(t.Context(), UnlockOptions{}, result.Discard); err != nil {
		t.Fatal(err)
	}
	return d
}

// sizeInIndex is what git's index has of the file; 0 makes git compare.
func sizeInIndex(t *testing.T, d *Dataset, rel string) int {
	t.Helper()
	index, err := d.Repo.ReadIndex()
	if err != nil {
		t.Fatal(err)
	}
	e, _ := index.Lookup(rel)
	return int(e.Stat.Size)
}

// TestRestageTrustsNoOtherKey is about an entry that has changed since the file was
// filled, as by `git reset`: that the file is as it was filled says nothing of it.
func TestRestageTrustsNoOtherKey(t *testing.T) {
	d := unlockedFiles(t)
	fi, err := os.Lstat(d.Repo.Path("f1.dat"))
	if err != nil {
		t.Fatal(err)
	}
	for _, blob := range []string{":f2.dat", ":f1.dat"} { // of either no state was known
		line, _ := annex.RestageLine(fi, "f1.dat")
		if err := d.Annex.NoteRestage(t.Context(), []string{line, "1 2 3 :gone"}); err != nil {
			t.Fatal(err)
		}
		d.gitOut(t, "update-index", "--cacheinfo", "100644,"+d.gitOut(t, "rev-parse", blob)+",f1.dat")
		if err := d.Restage(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := sizeInIndex(t, d, "f1.dat"); got != 0 {
			t.Errorf("%s: git trusts the file, with %d bytes", blob, got)
		}
		if d.Annex.RestagePending() {
			t.Error("the notes are still there")
		}
	}
}

// TestSettleLeavesTheLivingAlone is about notes of a process that is at work.
func TestSettleLeavesTheLivingAlone(t *testing.T) {
	d := unlockedFiles(t)
	if err := d.Annex.NoteRestage(t.Context(), []string{"1 2 3 :f1.dat"}); err != nil {
		t.Fatal(err)
	}
	busy, err := d.Annex.Scratch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	left := busy.Path()
	writeFile(t, d, strings.TrimPrefix(left, d.Path()+"/"), "unfinished")
	d.Settle(t.Context())
	if _, err := os.Stat(left); err != nil || !d.Annex.RestagePending() {
		t.Errorf("pending %v, %v", d.Annex.RestagePending(), err)
	}
	busy.Close()
	d.Settle(t.Context())
	if _, err := os.Stat(left); err == nil || d.Annex.RestagePending() {
		t.Errorf("pending %v, %v", d.Annex.RestagePending(), err)
	}
}

// TestRestageForgetsNoUnfinishedSwap is about git's hooks, which do not wait for a
// process that has noted a file and has not renamed it yet.
func TestRestageForgetsNoUnfinishedSwap(t *testing.T) {
	d := unlockedFiles(t)
	busy, err := d.Annex.Scratch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Annex.NoteRestage(t.Context(), []string{"1 2 3 :f1.dat"}); err != nil {
		t.Fatal(err)
	}
	for _, pending := range []bool{true, false} {
		if err := d.Restage(t.Context()); err != nil {
			t.Fatal(err)
		}
		if d.Annex.RestagePending() != pending {
			t.Errorf("pending: %v", !pending)
		}
		busy.Close()
	}
}

// TestFillFromAnotherFileSystem is about a work tree that nothing can be renamed
// into from the annex: that shows by the device, or only when it is tried.
func TestFillFromAnotherFileSystem(t *testing.T) {
	shm, err := os.MkdirTemp("/dev/shm", "stemma-test-")
	if err != nil {
		t.Skip("there is no other file system")
	}
	defer os.RemoveAll(shm)
	d := unlockedFiles(t)
	if err := os.RemoveAll(d.Annex.Dir("othertmp")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(shm, d.Annex.Dir("othertmp")); err != nil {
		t.Fatal(err)
	}
	for _, known := range []bool{true, false} {
		index, err := d.Repo.ReadIndex()
		if err != nil {
			t.Fatal(err)
		}
		e, _ := index.Lookup("f1.dat")
		k, _, err := d.pointerKey(t.Context(), e.OID)
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, d, "f1.dat", d.gitOut(t, "cat-file", "blob", ":f1.dat")+"\n")
		err = d.swapAll(t.Context(), func(s *swapping) error {
			if err := s.temps.open(t.Context()); err != nil {
				return err
			}
			if top, err := os.Stat(d.Path()); err != nil || device(top) == s.temps.dev {
				t.Skip("it is the same file system")
			} else if !known {
				s.temps.dev = device(top)
			}
			return s.fill(t.Context(), unlockedEntry{e, k})
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := sizeInIndex(t, d, "f1.dat"); got != 18 {
			t.Errorf("known %v: the file has %d bytes in the index", known, got)
		}
		for _, dir := range []string{shm, d.Path()} {
			if left, _ := filepath.Glob(filepath.Join(dir, ".stemma-tmp-*")); len(left) > 0 {
				t.Errorf("known %v: left: %v", known, left)
			}
		}
	}
	if d.Annex.RestagePending() {
		t.Error("notes are left")
	}
}
