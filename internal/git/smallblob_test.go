package git

import (
	"bytes"
	"os"
	"testing"

	"github.com/stemma-data/stemma/internal/gitobj"
)

// TestSmallBlobs: loose and packed ones are read without a process, large ones
// by git, which is faster; empty is not the same as too large.
func TestSmallBlobs(t *testing.T) {
	r, _ := newRepo(t)
	ids := map[string]gitobj.OID{}
	for name, data := range map[string][]byte{"empty": nil, "small": []byte("text\n"), "large": bytes.Repeat([]byte{7}, maxSingle+1)} {
		path := r.Path(name)
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		out, err := r.Output(t.Context(), "hash-object", "-w", path)
		if err != nil {
			t.Fatal(err)
		}
		ids[name] = gitobj.OID(bytes.TrimSpace(out))
	}
	for _, packed := range []bool{false, true} {
		if packed {
			if _, err := r.Output(t.Context(), "add", "."); err != nil {
				t.Fatal(err)
			}
			if _, err := r.Output(t.Context(), "repack", "-q", "-a", "-d"); err != nil {
				t.Fatal(err)
			}
			if _, err := r.Output(t.Context(), "prune-packed"); err != nil {
				t.Fatal(err)
			}
			r.Close()
		}
		for name, want := range map[string]string{"empty": "", "small": "text\n"} {
			got, err := r.SmallBlob(t.Context(), ids[name], 100)
			if err != nil || got == nil || string(got) != want {
				t.Errorf("packed %v, %s: %q %v", packed, name, got, err)
			}
		}
		if got, err := r.SmallBlob(t.Context(), ids["small"], 2); err != nil || got != nil {
			t.Errorf("packed %v, over the limit: %q %v", packed, got, err)
		}
		if r.reader.cmd != nil {
			t.Errorf("packed %v: a process was started for small blobs", packed)
		}
		if got, err := r.SmallBlob(t.Context(), ids["large"], 100); err != nil || got != nil {
			t.Errorf("packed %v, large: %d bytes, %v", packed, len(got), err)
		}
		if r.reader.cmd == nil {
			t.Errorf("packed %v: the large blob was read without git", packed)
		}
	}
}
