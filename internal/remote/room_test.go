package remote

import (
	"errors"
	"syscall"
	"testing"

	"github.com/stemma-data/stemma/internal/fsx"
)

type reserveSetting string

func (s reserveSetting) Get(string) string       { return string(s) }
func (s reserveSetting) Bool(string, bool) bool  { return false }
func (s reserveSetting) Keys(string) []string    { return nil }
func (s reserveSetting) All(string) (_ []string) { return }

func TestDiskReserve(t *testing.T) {
	for text, want := range map[string]int64{
		"": 100_000_000, "nonsense": 100_000_000, "0": 0, "500M": 500_000_000, "0.5 gb": 500_000_000, "100 KiloBytes": 100_000, "1 mebibyte": 1 << 20,
	} {
		if got := DiskReserve(reserveSetting(text)); got != want {
			t.Errorf("%q: %d", text, got)
		}
	}
}

func TestRoom(t *testing.T) {
	dir := t.TempDir()
	free, ok := fsx.Free(dir)
	if !ok || free < 1<<20 {
		t.Skip("nothing is known about this disk, or it is full")
	}
	r := &Room{dir: dir, reserve: free / 2}
	full := func(n int64) {
		t.Helper()
		if _, err := r.Take(n); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("%d bytes of %d: %v", n, free, err)
		}
	}
	full(free)
	done, err := r.Take(free / 4)
	if err != nil {
		t.Fatal(err)
	}
	full(free * 2 / 5) // beside what is being written
	done()
	done()
	if r.underway != 0 {
		t.Error("it was given back twice")
	}
	r.reserve = 1 << 62
	full(1)
	full(-1)
	if _, err := r.Take(0); err != nil {
		t.Error(err)
	}
	if _, err := (*Room)(nil).Take(1); err != nil {
		t.Error(err)
	}
	if _, err := NewRoom("/nowhere/at/all", nil).Take(1 << 40); err != nil {
		t.Error(err) // what is not there is somebody else's error
	}
}
