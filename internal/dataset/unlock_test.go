package dataset

import (
	"os"
	"testing"

	"github.com/stemma-data/stemma/internal/result"
)

func unlock(t *testing.T, d *Dataset, opt UnlockOptions) string {
	t.Helper()
	got := &result.Collector{}
	if err := d.Unlock(t.Context(), opt, got); err != nil {
		t.Fatal(err)
	}
	return recordLines(d, got.Records)
}

func TestUnlock(t *testing.T) {
	src := newSource(t)
	d := clone(t, src)
	get(t, d, GetOptions{Paths: []string{"f1.dat", "exec.sh", "dir"}})
	writeFile(t, d, "untracked", "x")
	check(t, "unlock", unlock(t, d, UnlockOptions{Paths: []string{"f1.dat"}}), "unlock(ok): f1.dat (file)")
	check(t, "again", unlock(t, d, UnlockOptions{Paths: []string{"f1.dat"}}), "")
	check(t, "others", unlock(t, d, UnlockOptions{Paths: []string{"f2.dat", "untracked", "nosuch", ".gitattributes"}}),
		"unlock(impossible): f2.dat (file) [no content present; cannot unlock]\n"+
			"unlock(impossible): untracked (file) [untracked; cannot unlock]\n"+
			"unlock(impossible): nosuch (file) [path does not exist]\n"+
			"unlock(notneeded): .gitattributes (file) [non-annex file; cannot unlock]")
	check(t, "all", unlock(t, d, UnlockOptions{}), "unlock(ok): dir/a (file)\nunlock(ok): dir/b (file)\nunlock(ok): exec.sh (file)")
	os.Remove(d.Repo.Path("untracked"))
	noFilter := []string{"-c", "filter.annex.process=", "-c", "filter.annex.clean="}
	check(t, "status", d.gitOut(t, append(noFilter, "status", "--porcelain")...), "T  dir/a\nT  dir/b\nT  exec.sh\nT  f1.dat")
	check(t, "pointer", d.gitOut(t, "cat-file", "blob", ":f1.dat"), "/annex/objects/MD5E-s18--"+md5of(t, d, "f1.dat")+".dat")
	check(t, "modes", d.gitOut(t, "ls-files", "--format=%(objectmode)", "exec.sh", "f1.dat"), "100755\n100644")
	f, err := os.OpenFile(d.Repo.Path("f1.dat"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString("more")
	f.Close()
	if fi, _ := os.Stat(src.Repo.Path("f1.dat")); fi.Size() != 18 {
		t.Error("the source has changed")
	}
	runIn(t, d, d.Path(), "git-annex", "fsck")
	save(t, d, SaveOptions{})
	checkClean(t, d)
}

func md5of(t *testing.T, d *Dataset, rel string) string {
	t.Helper()
	out := runIn(t, d, d.Path(), "md5sum", rel)
	return out[:32]
}
