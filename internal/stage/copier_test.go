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
