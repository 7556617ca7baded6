package git

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stemma-data/stemma/internal/gitobj"
)

// TestImportRepeatedAfterAKill: a killed fast-import has left the file that
// keeps its pack, and the same objects are written again.
func TestImportRepeatedAfterAKill(t *testing.T) {
	r, _ := newRepo(t)
	write := func() (gitobj.OID, error) {
		im, err := r.StartImport(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer im.Abort()
		who, err := r.Identities(t.Context(), time.Unix(1700000000, 0))
		if err != nil {
			t.Fatal(err)
		}
		id, _, err := im.Commit(CommitSpec{Who: who, Message: "the same"})
		if err != nil {
			t.Fatal(err)
		}
		return id, im.Close()
	}
	if _, err := write(); err != nil {
		t.Fatal(err)
	}
	packs, _ := filepath.Glob(filepath.Join(r.CommonDir, "objects", "pack", "pack-*"))
	if len(packs) == 0 {
		t.Fatal("no pack was written")
	}
	var keep string
	for _, p := range packs {
		keep = p[:len(p)-len(filepath.Ext(p))] + ".keep"
		if err := os.Remove(p); err != nil {
			t.Fatal(err)
		}
	}
	others := filepath.Join(filepath.Dir(keep), "pack-0123.keep")
	for path, text := range map[string]string{keep: fastImportKeep, others: "a reason"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := write(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(others); err != nil {
		t.Error("a file of somebody else went, too:", err)
	}
}
