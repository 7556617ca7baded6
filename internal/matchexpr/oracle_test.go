package matchexpr

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// question is one expression put to git-annex for one file. The file is
// 100,000 bytes of us-ascii text/plain.
type question struct{ Path, Expr string }

// answers of git-annex
const (
	yes   = "yes"
	no    = "no"
	bad   = "bad"   // the expression is refused
	crash = "crash" // a broken glob was tried
)

// fake is the file of a question; it counts the calls.
type fake struct {
	path        string
	sizes, mime int
	err         error
}

func (f *fake) Path() string         { return f.path }
func (f *fake) Size() (int64, error) { f.sizes++; return 100000, f.err }
func (f *fake) MIME() (string, string, error) {
	f.mime++
	return "text/plain", "us-ascii", f.err
}

// ours answers q in git-annex's place.
func ours(q question) string {
	e, err := Parse(q.Expr)
	if err != nil {
		return bad
	}
	ok, err := e.Match(&fake{path: q.Path})
	switch {
	case err != nil:
		return crash
	case ok:
		return yes
	}
	return no
}

// annex is a repository in which git-annex answers.
type annex struct {
	dir string
	env []string
}

func newAnnex(t *testing.T) *annex {
	if _, err := exec.LookPath("git-annex"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("git-annex is missing")
		}
		t.Skip("git-annex is not installed")
	}
	a := &annex{dir: t.TempDir()}
	home := t.TempDir()
	conf := filepath.Join(home, "gitconfig")
	if err := os.WriteFile(conf, []byte("[user]\nname=a\nemail=a@b\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a.env = append(os.Environ(), "HOME="+home, "GIT_CONFIG_GLOBAL="+conf, "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C.UTF-8")
	t.Cleanup(func() { exec.Command("chmod", "-R", "u+w", a.dir).Run() })
	for _, args := range [][]string{{"git", "init", "-q"}, {"git", "annex", "init", "x"}} {
		if out, err := a.command(args...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	return a
}

func (a *annex) command(args ...string) *exec.Cmd {
	c := exec.Command(args[0], args[1:]...)
	c.Dir, c.Env = a.dir, a.env
	return c
}

// ask puts one question.
func (a *annex) ask(t *testing.T, q question) string {
	c := a.command("git-annex", "matchexpression", "--largefiles", "--file="+q.Path, "--size=100000",
		"--mimetype=text/plain", "--mimeencoding=us-ascii", "--", q.Expr)
	var stderr bytes.Buffer
	c.Stderr = &stderr
	err := c.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return yes
	case !errors.As(err, &exit):
		t.Fatal(err)
	case exit.ExitCode() == 42 && strings.Contains(stderr.String(), "bad expression"):
		return bad
	case exit.ExitCode() == 1 && strings.Contains(stderr.String(), "failed to compile"):
		return crash
	case exit.ExitCode() == 1 && stderr.Len() == 0:
		return no
	}
	t.Fatalf("%q: %v: %s", q, err, stderr.String())
	return ""
}

const golden = "testdata/git-annex.jsonl"

// answered is a line of the golden table.
type answered struct {
	question
	Answer string
}

func writeGolden(t *testing.T, list []question) {
	a := newAnnex(t)
	var b bytes.Buffer
	for _, q := range list {
		line, err := json.Marshal(answered{q, a.ask(t, q)})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s\n", line)
	}
	if err := os.MkdirAll(filepath.Dir(golden), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(golden, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

func readGolden(t *testing.T) (list []answered) {
	data, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(data) {
		var q answered
		if err := json.Unmarshal(line, &q); err != nil {
			t.Fatal(err)
		}
		list = append(list, q)
	}
	return list
}
