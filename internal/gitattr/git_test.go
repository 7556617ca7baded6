package gitattr

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// repo is a repository in which git answers; its files are written by level.
type repo struct {
	dir        string
	env        []string
	files      map[string]string // content of .gitattributes by directory
	global     string
	info       string
	ignoreCase bool
}

func newRepo(t *testing.T) *repo {
	if _, err := exec.LookPath("git"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("git is missing")
		}
		t.Skip("git is not installed")
	}
	r := &repo{dir: t.TempDir(), files: map[string]string{}}
	home := t.TempDir()
	r.env = append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+home, "GIT_CONFIG_GLOBAL="+filepath.Join(home, "none"), "GIT_CONFIG_NOSYSTEM=1", "GIT_ATTR_NOSYSTEM=1")
	if out, err := r.git("init", "-q").CombinedOutput(); err != nil {
		t.Fatalf("git init: %v\n%s", err, out)
	}
	return r
}

func (r *repo) git(args ...string) *exec.Cmd {
	fold := "false"
	if r.ignoreCase {
		fold = "true"
	}
	args = append([]string{"-c", "core.attributesFile=" + filepath.Join(r.dir, ".git", "global"), "-c", "core.ignoreCase=" + fold}, args...)
	c := exec.Command("git", args...)
	c.Dir, c.Env = r.dir, r.env
	return c
}

// write puts all files where git looks for them.
func (r *repo) write(t *testing.T) {
	all := map[string]string{".git/global": r.global, ".git/info/attributes": r.info}
	for dir, text := range r.files {
		all[filepath.Join(dir, ".gitattributes")] = text
	}
	for name, text := range all {
		name = filepath.Join(r.dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// ask returns git's values by path and name: of all attributes that are not
// unspecified, or of the named ones.
func (r *repo) ask(t *testing.T, paths []string, names ...string) map[string]map[string]string {
	args := []string{"check-attr", "--stdin", "-z"}
	if len(names) == 0 {
		args = append(args, "-a")
	}
	c := r.git(append(args, names...)...)
	c.Stdin = strings.NewReader(strings.Join(paths, "\x00") + "\x00")
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	if err := c.Run(); err != nil {
		t.Fatalf("git check-attr: %v\n%s", err, stderr.String())
	}
	fields := strings.Split(stdout.String(), "\x00")
	out := map[string]map[string]string{}
	for i := 0; i+2 < len(fields); i += 3 {
		path := fields[i]
		if out[path] == nil {
			out[path] = map[string]string{}
		}
		out[path][fields[i+1]] = fields[i+2]
	}
	return out
}

// matcher is ours for the same files.
func (r *repo) matcher() *Matcher {
	src := func(dir string) ([]byte, error) {
		text, ok := r.files[dir]
		if !ok {
			return nil, fs.ErrNotExist
		}
		return []byte(text), nil
	}
	return New(src, nil, []byte(r.global), []byte(r.info), r.ignoreCase)
}

// check compares all paths and returns how many values git gave.
func (r *repo) check(t *testing.T, paths []string, names ...string) (values int) {
	t.Helper()
	r.write(t)
	want := r.ask(t, paths, names...)
	m := r.matcher()
	for _, p := range paths {
		got, err := m.Get(p, names...)
		if err != nil {
			t.Fatal(err)
		}
		for name, v := range got {
			if w, ok := want[p][name]; !ok || w != v.String() {
				t.Errorf("%q: %s is %q, git says %q", p, name, v, w)
			}
		}
		for name, w := range want[p] {
			values++
			if _, ok := got[name]; !ok {
				t.Errorf("%q: %s is missing, git says %q", p, name, w)
			}
		}
	}
	return values
}
