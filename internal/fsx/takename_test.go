package fsx

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
)

// Whatever the file system offers, one of many gets the name, and what has it
// is the file itself.
func TestTakeName(t *testing.T) {
	for name, take := range map[string]func(from, to string) error{"link": TakeName, "rename": RenameNew, "reserve": reserve} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			to := filepath.Join(dir, "lock")
			probe := filepath.Join(dir, "probe")
			if err := os.WriteFile(probe, nil, 0o644); err != nil {
				t.Fatal(err)
			}
			if err := take(probe, filepath.Join(dir, "probe2")); notOffered(err) {
				t.Skip(err)
			}
			var won atomic.Int32
			var wg sync.WaitGroup
			for i := range 16 {
				wg.Go(func() {
					from := filepath.Join(dir, string(rune('a'+i)))
					if err := os.WriteFile(from, []byte("own"), 0o644); err != nil {
						t.Error(err)
					}
					before, _ := os.Lstat(from)
					switch err := take(from, to); {
					case err == nil:
						won.Add(1)
						if now, err := os.Lstat(to); err != nil || !os.SameFile(before, now) {
							t.Errorf("another file has the name: %v", err)
						}
						if _, err := os.Lstat(from); !errors.Is(err, fs.ErrNotExist) {
							t.Errorf("the old name: %v", err)
						}
					case !errors.Is(err, fs.ErrExist):
						t.Error(err)
					default:
						if _, err := os.Lstat(from); err != nil {
							t.Error(err)
						}
					}
				})
			}
			wg.Wait()
			if won.Load() != 1 {
				t.Errorf("%d have the name", won.Load())
			}
		})
	}
}
