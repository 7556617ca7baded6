package transfer

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stemma-data/stemma/internal/remote"
)

// small mounts a file system with little room; only root may.
func small(t *testing.T, dir, size string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("no small file system can be mounted: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
}

// TestAFullDisk fills the disk of either side in the middle of a transfer.
func TestAFullDisk(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		name    string
		full    string // whose disk
		url     func(string) string
		args    []string
		start   string // who has the content at first
		reserve string // there
		says    string
	}{
		// Where nobody looks whether it fits, the disk is full in the middle.
		{"get-path", "near", path, []string{"annex", "get", "--force", "file"}, "far", "0", "no space"},
		{"get-ssh", "near", w.server.URL, []string{"annex", "get", "--force", "file"}, "far", "0", "no space"},
		{"get-refused", "near", path, []string{"get", "file"}, "far", "0", "not enough free space"},
		{"copy-path", "far", path, []string{"annex", "copy", "--to", "far", "file"}, "near", remote.NoReserve, "no space"},
		{"copy-ssh", "far", w.server.URL, []string{"annex", "copy", "--to", "far", "file"}, "near", remote.NoReserve, "no space"},
		{"copy-refused", "far", w.server.URL, []string{"annex", "copy", "--to", "far", "file"}, "near", "0", "not enough free space"},
		{"move-ssh", "far", w.server.URL, []string{"annex", "move", "--to", "far", "file"}, "near", remote.NoReserve, "no space"},
	} {
		t.Run(c.name, func(t *testing.T) {
			sub := &world{World: w.World, t: t, server: w.server}
			w := sub
			root := filepath.Join(w.Root, c.name)
			small(t, filepath.Join(root, c.full), "8m")
			first, second := c.start, c.full
			dirs := w.datasets(map[string][]byte{"file": random(size, 3)}, c.url, filepath.Join(c.name, first), filepath.Join(c.name, second))
			near, full := dirs[filepath.Join(c.name, "near")], dirs[filepath.Join(c.name, c.full)]
			for _, dir := range dirs { // remotes by short names
				for _, name := range []string{"near", "far"} {
					if filepath.Base(dir) != name {
						w.run(dir, "git", "remote", "rename", filepath.Join(c.name, name), name)
					}
				}
			}
			w.run(full, "git", "config", "annex.diskreserve", c.reserve)
			filler := filepath.Join(full, ".git", "filler")
			fill(t, full, filler, 3<<19)
			out, err := w.command(near, nil, append([]string{program}, c.args...)...).CombinedOutput()
			if err == nil || !strings.Contains(string(out), c.says) {
				t.Errorf("with a full disk: %v\n%s", err, out)
			}
			if w.intact(full, "file") || !w.intact(dirs[filepath.Join(c.name, c.start)], "file") {
				t.Errorf("after that, %s has it: %v", c.full, w.intact(full, "file"))
			}
			os.Remove(filler)
			if out, err := w.command(near, nil, append([]string{program}, c.args...)...).CombinedOutput(); err != nil {
				t.Fatalf("with room again: %v\n%s", err, out)
			}
			if !w.intact(full, "file") {
				t.Error("not there in the end")
			}
		})
	}
}

// fill leaves about so many bytes free.
func fill(t *testing.T, dir, file string, leave int64) {
	t.Helper()
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		t.Fatal(err)
	}
	n := int64(st.Bavail)*st.Bsize - leave
	if n <= 0 {
		t.Fatalf("only %d bytes are free", n+leave)
	}
	if err := os.WriteFile(file, make([]byte, n), 0o644); err != nil {
		t.Fatal(err)
	}
}
