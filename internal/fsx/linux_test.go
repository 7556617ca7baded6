//go:build linux

package fsx

import (
	"crypto/sha256"
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

func TestFullDisk(t *testing.T) {
	needRoot(t, "mount")
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skip("cannot mount:", err)
	}
	defer unix.Unmount(dir, unix.MNT_DETACH)
	src := t.TempDir() + "/src"
	os.WriteFile(src, make([]byte, 4<<20), 0o644)
	for _, opt := range []CopyOptions{{}, {Hash: sha256.New()}, {Sync: true}} {
		if err := copyErr(t.Context(), dir+"/dst", src, opt); !errors.Is(err, unix.ENOSPC) {
			t.Errorf("%+v: %v", opt, err)
		}
	}
	if err := WriteFile(dir+"/f", make([]byte, 4<<20), 0o644); !errors.Is(err, unix.ENOSPC) {
		t.Error(err)
	}
	noLeftovers(t, dir)
	os.WriteFile(dir+"/fill", make([]byte, 1<<20), 0o644)
	if l, err := AcquireLease(t.Context(), dir+"/lease", LeaseOptions{}); err == nil {
		l.Release()
		t.Error("a lease on a full disk has no record")
	}
	if _, err := os.Stat(dir + "/lease"); err == nil {
		t.Error("an empty lease stayed behind")
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add([]byte("1 (a) b) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 1"))
	f.Add([]byte("1 (x"))
	f.Add([]byte(")"))
	f.Fuzz(func(t *testing.T, b []byte) { parseStat(b) })
}
