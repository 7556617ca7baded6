package git

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestConfigEditsAreThoseOfGit edits texts with git and without.
func TestConfigEditsAreThoseOfGit(t *testing.T) {
	texts := []string{
		"",
		"[a]\n\tx = 1\n",
		"[a]\n\tx = 1\n\ty = 2\n[b]\n\tx = 3\n[a]\n\tx = 4 ; note\n",
		"[a]\n# a comment\n\tx = 1\n\n[a \"B.c\"]\n\tkey = v\n",
		"[a] x = 1\n[b]\n",
		"[a]\n\tx = 1",
		"; top\n[a]\n[c]\n\tx = \"q # \\\"r\"\n",
	}
	edits := []ConfigEdit{
		{Key: "a.x", Value: "new"}, {Key: "a.z", Value: " lead"}, {Key: "c.x", Value: "semi;colon"}, {Key: "a.B.c.key", Value: "two\nlines\t"},
		{Key: "d.sub\"q.v", Value: `back\slash "quoted"`}, {Key: "A.X", Value: "upper"}, {Key: "a.x", Remove: true}, {Key: "b.x", Remove: true},
		{Key: "c.x", Remove: true}, {Key: "a.x", Value: "more", Add: true},
	}
	for _, text := range texts {
		for _, e := range edits {
			want, code := byGit(t, text, e)
			got, err := EditConfigText(text, e)
			if code != 0 {
				if !errors.Is(err, ErrNoSuchKey) {
					t.Errorf("%q %+v: git exits %d, here %v", text, e, code, err)
				}
				continue
			}
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("%q %+v: %v (-git +here)\n%s", text, e, err, diff)
			}
		}
	}
}

func byGit(t *testing.T, text string, e ConfigEdit) (string, int) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	args := []string{"config", "-f", file, "--replace-all", e.Key, e.Value}
	switch {
	case e.Remove:
		args = []string{"config", "-f", file, "--unset-all", e.Key}
	case e.Add:
		args = []string{"config", "-f", file, "--add", e.Key, e.Value}
	}
	cmd := exec.Command("git", args...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		if code := cmd.ProcessState.ExitCode(); code == 5 {
			return "", code
		}
		t.Fatalf("git %v: %v %s", args, err, out)
	}
	after, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(after), 0
}

func FuzzConfigEdit(f *testing.F) {
	f.Add("[a]\n\tx = 1\n", "a.x", "v")
	f.Add("[a \"b\"]\nx", "a.b.x", "#")
	f.Add("[a]x=1\\\n2\n[b]", "b.c", " ")
	f.Fuzz(func(t *testing.T, text, key, value string) {
		out, err := EditConfigText(text, ConfigEdit{Key: key, Value: value})
		if err != nil {
			return
		}
		cfg, err := ParseConfigFile(out)
		if err != nil {
			t.Fatalf("%q became %q: %v", text, out, err)
		}
		if got := cfg.Get(key); got != value {
			t.Fatalf("%q in %q reads %q, not %q", key, out, got, value)
		}
		gone, err := EditConfigText(out, ConfigEdit{Key: key, Remove: true})
		if err != nil {
			t.Fatal(err)
		}
		if cfg, err := ParseConfigFile(gone); err != nil || len(cfg.All(key)) > 0 {
			t.Fatalf("%q is still in %q (%v)", key, gone, err)
		}
	})
}
