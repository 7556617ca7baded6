package stage

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestCopier(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	now := time.Now()
	put := func(path, content string, at time.Time) {
		t.Helper()
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		must(t, os.WriteFile(path, []byte(content), 0o644))
		must(t, os.Chtimes(path, at, at))
	}
	put(filepath.Join(from, "d/a b"), "new", now)
	put(filepath.Join(from, "d/.git/x"), "git's", now)
	put(filepath.Join(from, "f"), "one", now)
	put(filepath.Join(to, "f"), "two", now.Add(time.Hour))
	run := func(c Copier) error {
		c.From, c.To = from, to
		for _, p := range []string{"d", "f"} {
			must(t, c.Add(p))
		}
		return c.Run(t.Context())
	}
	var newer *NewerError
	if err := run(Copier{}); !errors.As(err, &newer) || newer.Target != filepath.Join(to, "f") {
		t.Error(err)
	}
	must(t, run(Copier{KeepNewer: true}))
	if read(t, filepath.Join(to, "d/a b")) != "new" || read(t, filepath.Join(to, "f")) != "two" {
		t.Error("not copied, or a newer file was replaced")
	}
	if _, err := os.Stat(filepath.Join(to, "d/.git")); err == nil {
		t.Error("git's folder was copied")
	}
	// With May, times decide nothing.
	put(filepath.Join(to, "f"), "two", now)
	asked := ""
	no := errors.New("no")
	err := run(Copier{May: func(_ context.Context, rel string) error { asked += rel; return no }})
	if !errors.Is(err, no) || asked != "f" || read(t, filepath.Join(to, "f")) != "two" {
		t.Error(err, asked)
	}
	must(t, run(Copier{May: func(context.Context, string) error { return nil }}))
	if read(t, filepath.Join(to, "f")) != "one" {
		t.Error("not replaced")
	}
}

// TestCopierFollowsNoLink exchanges a folder while the copier looks at what is in
// it.
func TestCopierFollowsNoLink(t *testing.T) {
	from, to, outside := t.TempDir(), t.TempDir(), t.TempDir()
	for file, text := range map[string]string{from + "/d/f": "new", to + "/d/f": "old", outside + "/f": "private"} {
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	c := &Copier{From: from, To: to, TempDir: to, May: func(context.Context, string) error {
		return errors.Join(os.Rename(to+"/d", to+"/was"), os.Symlink(outside, to+"/d"))
	}}
	if err := c.Add("d/f"); err != nil {
		t.Fatal(err)
	}
	if err := c.Run(t.Context()); err == nil {
		t.Error("the link was not noticed")
	}
	if text, err := os.ReadFile(outside + "/f"); string(text) != "private" {
		t.Errorf("the file outside has become %q, %v", text, err)
	}
}
