package dataset_test

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/dataset/datasettest"
	"github.com/stemma-data/stemma/internal/fetch"
	"github.com/stemma-data/stemma/internal/result"
)

func unlock(t *testing.T, d *dataset.Dataset, opt dataset.UnlockOptions) string {
	t.Helper()
	got := &result.Collector{}
	if err := d.Unlock(t.Context(), opt, got); err != nil {
		t.Fatal(err)
	}
	return datasettest.RecordLines(d, got.Records)
}

func TestUnlock(t *testing.T) {
	src := datasettest.NewSource(t)
	d := datasettest.Clone(t, src)
	if err := fetch.Get(t.Context(), d, fetch.Options{Paths: []string{"f1.dat", "exec.sh", "dir"}}, result.Discard); err != nil {
		t.Fatal(err)
	}
	datasettest.WriteFile(t, d, "untracked", "x")
	datasettest.Check(t, "unlock", unlock(t, d, dataset.UnlockOptions{Paths: []string{"f1.dat"}}), "unlock(ok): f1.dat (file)")
	datasettest.Check(t, "again", unlock(t, d, dataset.UnlockOptions{Paths: []string{"f1.dat"}}), "")
	datasettest.Check(t, "others", unlock(t, d, dataset.UnlockOptions{Paths: []string{"f2.dat", "untracked", "nosuch", ".gitattributes"}}),
		"unlock(impossible): f2.dat (file) [no content present; cannot unlock]\n"+
			"unlock(impossible): untracked (file) [untracked; cannot unlock]\n"+
			"unlock(impossible): nosuch (file) [path does not exist]\n"+
			"unlock(notneeded): .gitattributes (file) [non-annex file; cannot unlock]")
	datasettest.Check(t, "all", unlock(t, d, dataset.UnlockOptions{}), "unlock(ok): dir/a (file)\nunlock(ok): dir/b (file)\nunlock(ok): exec.sh (file)")
	os.Remove(d.Repo.Path("untracked"))
	noFilter := []string{"-c", "filter.annex.process=", "-c", "filter.annex.clean="}
	datasettest.Check(t, "status", datasettest.GitOut(t, d, append(noFilter, "status", "--porcelain")...), "T  dir/a\nT  dir/b\nT  exec.sh\nT  f1.dat")
	datasettest.Check(t, "pointer", datasettest.GitOut(t, d, "cat-file", "blob", ":f1.dat"), "/annex/objects/MD5E-s18--"+md5of(t, d, "f1.dat")+".dat")
	datasettest.Check(t, "modes", datasettest.GitOut(t, d, "ls-files", "--format=%(objectmode)", "exec.sh", "f1.dat"), "100755\n100644")
	f, err := os.OpenFile(d.Repo.Path("f1.dat"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString("more")
	f.Close()
	if fi, _ := os.Stat(src.Repo.Path("f1.dat")); fi.Size() != 18 {
		t.Error("the source has changed")
	}
	datasettest.RunIn(t, d, d.Path(), "git-annex", "fsck")
	datasettest.Save(t, d)
	datasettest.CheckClean(t, d)
}

// What a killed unlock has put in a link's place is staged by the next one; any
// other file in that place is the user's.
func TestUnlockGoesOn(t *testing.T) {
	d := datasettest.NewSource(t)
	for _, f := range []string{"f1.dat", "f2.dat"} {
		content, err := os.ReadFile(d.Repo.Path(f))
		if err != nil {
			t.Fatal(err)
		}
		if f == "f2.dat" {
			content[0] = 'C'
		}
		old := time.Now().Add(-time.Hour)
		if err := errors.Join(os.Remove(d.Repo.Path(f)), os.WriteFile(d.Repo.Path(f), content, 0o644), os.Chtimes(d.Repo.Path(f), old, old)); err != nil {
			t.Fatal(err)
		}
	}
	datasettest.Check(t, "unlock", unlock(t, d, dataset.UnlockOptions{Paths: []string{"f1.dat", "f2.dat"}}), "unlock(ok): f1.dat (file)")
	noFilter := []string{"-c", "filter.annex.process=", "-c", "filter.annex.clean="}
	datasettest.Check(t, "status", datasettest.GitOut(t, d, append(noFilter, "status", "--porcelain")...), "T  f1.dat\n T f2.dat")
	datasettest.Check(t, "content", datasettest.RunIn(t, d, d.Path(), "head", "-c", "7", "f2.dat"), "Content")
	datasettest.Save(t, d)
	datasettest.CheckClean(t, d)
}

func md5of(t *testing.T, d *dataset.Dataset, rel string) string {
	t.Helper()
	out := datasettest.RunIn(t, d, d.Path(), "md5sum", rel)
	return out[:32]
}
