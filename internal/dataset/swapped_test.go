package dataset

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/result"
)

// TestStageReadsNothingBehindALink gives the name of a folder to a link after the
// folder was looked at, as others do who may write to the work tree.
func TestStageReadsNothingBehindALink(t *testing.T) {
	for _, large := range []int{10, 100_000} {
		for _, toGit := range []bool{false, true} {
			d := newDataset(t)
			outside := filepath.Join(t.TempDir(), "f")
			private := strings.Repeat("private\n", large/8)
			if err := os.WriteFile(outside, []byte(private), 0o600); err != nil {
				t.Fatal(err)
			}
			writeFile(t, d, "real/f", "public")
			if err := os.Symlink(filepath.Dir(outside), d.Repo.Path("d")); err != nil {
				t.Fatal(err)
			}
			seen, err := os.Lstat(outside)
			if err != nil {
				t.Fatal(err)
			}
			c := Change{Path: "d/f", State: Untracked, WorkTree: true, info: seen}
			got, err := d.Stage(t.Context(), []Change{c}, StageOptions{ToGit: toGit})
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Files) > 0 || len(got.Records) != 1 || got.Records[0].Status != result.Error {
				t.Errorf("%d bytes, to git %v: %+v", large, toGit, got)
			}
			if text, err := os.ReadFile(outside); err != nil || string(text) != private {
				t.Errorf("the file outside has changed: %v", err)
			}
			if fi, err := os.Lstat(outside); err != nil || fi.Mode() != seen.Mode() {
				t.Errorf("%v %v", fi, err)
			}
			if d.Annex != nil {
				filepath.WalkDir(d.Annex.Dir("objects"), func(p string, e os.DirEntry, _ error) error {
					if e != nil && e.Type().IsRegular() {
						t.Errorf("%s was stored", p)
					}
					return nil
				})
			}
		}
	}
}

// TestPutInPlaceFollowsNoLink is about what happens between storing a file and
// replacing it.
func TestPutInPlaceFollowsNoLink(t *testing.T) {
	d := newDataset(t)
	outside := t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "f"), []byte("x"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, d.Repo.Path("d")); err != nil {
		t.Fatal(err)
	}
	if err := d.PutLink("d/f", "target"); err == nil {
		t.Error("a link was put behind a link")
	}
	if fi, err := os.Lstat(filepath.Join(outside, "f")); err != nil || !fi.Mode().IsRegular() {
		t.Error("the file outside was replaced")
	}
}

// TestExchangeFollowsNoLink is about unlocked files.
func TestExchangeFollowsNoLink(t *testing.T) {
	d := newDataset(t)
	outside := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(outside, []byte("private"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Dir(outside), d.Repo.Path("d")); err != nil {
		t.Fatal(err)
	}
	was, err := os.Lstat(outside)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, d, "tmp", "new")
	made, err := os.Lstat(d.Repo.Path("tmp"))
	if err != nil {
		t.Fatal(err)
	}
	f := unlockedEntry{Entry: gitindex.Entry{Path: "d/f"}}
	if _, done, err := d.swapIn(f, d.Repo.Path("tmp"), made, was); done || err == nil {
		t.Errorf("%v %v", done, err)
	}
	if text, err := os.ReadFile(outside); string(text) != "private" {
		t.Errorf("the file outside has become %q, %v", text, err)
	}
}
