package run

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/pyfmt"
	"github.com/stemma-data/stemma/internal/result"
)

// TestMain lets the test binary play a second Stemma process.
func TestMain(m *testing.M) {
	if name := os.Getenv("STEMMA_TEST_CHILD"); name != "" {
		os.Exit(child(name))
	}
	os.Exit(m.Run())
}

// child runs one explicit command in the current folder.
func child(name string) int {
	env := dataset.Env{Vars: os.Environ(), Log: slog.New(slog.DiscardHandler)}
	env.Cwd, _ = os.Getwd()
	d, err := dataset.Open(context.Background(), env.Cwd, "run", env)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer d.Repo.Close()
	got := &result.Collector{}
	err = Run(context.Background(), d, Options{Command: []string{"echo " + name + " > " + name}, Outputs: []string{name}, Explicit: true}, got)
	for _, r := range got.Records {
		if r.Status.Failed() && err == nil {
			err = fmt.Errorf("%v", r)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

const testID = "1d71a073-72b8-4309-befa-078ab81c764a"

// box is one dataset and its surroundings.
type box struct {
	t    *testing.T
	dir  string
	vars []string
	log  *bytes.Buffer
	out  *bytes.Buffer // of commands
}

// isolated is an environment without the user's configuration.
func isolated(t *testing.T) []string {
	t.Helper()
	home := t.TempDir()
	config := "[user]\n\tname = Ada Tester\n\temail = ada@example.com\n[init]\n\tdefaultBranch = master\n[datalad \"log\"]\n\ttimestamp = false\n"
	if err := os.WriteFile(filepath.Join(home, "gitconfig"), []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	vars := slices.DeleteFunc(os.Environ(), func(kv string) bool { return strings.HasPrefix(kv, "GIT_") })
	return append(vars, "HOME="+home, "XDG_CONFIG_HOME="+home, "GIT_CONFIG_GLOBAL="+filepath.Join(home, "gitconfig"), "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C.UTF-8", "TZ=UTC")
}

// newBox creates a dataset with a fixed id. With text2git small text files go
// to git.
func newBox(t *testing.T, procedures ...string) *box {
	t.Helper()
	b := &box{t: t, dir: filepath.Join(t.TempDir(), "ds"), vars: isolated(t), log: &bytes.Buffer{}, out: &bytes.Buffer{}}
	t.Cleanup(func() { exec.Command("chmod", "-R", "u+w", b.dir).Run() })
	b.write(".datalad/config", "[datalad \"dataset\"]\n\tid = "+testID+"\n")
	_, err := dataset.Create(t.Context(), dataset.CreateOptions{Path: b.dir, Force: true, User: "ada", Host: "h", Procedures: procedures}, b.env(""), result.Discard)
	if err != nil {
		t.Fatal(err)
	}
	b.sh("git annex version >/dev/null 2>&1 || true; git add -A 2>/dev/null; git diff --cached --quiet || git commit -qm config")
	return b
}

// twin is a copy of the dataset for another program.
func (b *box) twin() *box {
	b.t.Helper()
	c := *b
	c.dir = filepath.Join(b.t.TempDir(), "ds")
	c.log, c.out = &bytes.Buffer{}, &bytes.Buffer{}
	b.t.Cleanup(func() { exec.Command("chmod", "-R", "u+w", c.dir).Run() })
	b.sh("cp -a . " + c.dir)
	return &c
}

func (b *box) env(sub string) dataset.Env {
	// The handler prints messages alone.
	h := slog.NewTextHandler(b.log, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key != slog.MessageKey {
			return slog.Attr{}
		}
		return a
	}})
	return dataset.Env{Vars: b.vars, Cwd: filepath.Join(b.dir, sub), Log: slog.New(h)}
}

func (b *box) open(sub string) *dataset.Dataset {
	b.t.Helper()
	d, err := dataset.Open(b.t.Context(), filepath.Join(b.dir, sub), "run", b.env(sub))
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(d.Repo.Close)
	return d
}

// run executes in a folder of the dataset and returns lines "ACTION STATUS PATH".
func (b *box) run(sub string, opt Options) []string {
	b.t.Helper()
	lines, err := b.tryRun(sub, opt)
	if err != nil {
		b.t.Fatal(err)
	}
	return lines
}

func (b *box) tryRun(sub string, opt Options) ([]string, error) {
	got := &result.Collector{}
	opt.Stdout, opt.Stderr = b.out, b.out
	err := Run(b.t.Context(), b.open(sub), opt, got)
	return b.lines(got), err
}

func (b *box) rerun(opt RerunOptions) []string {
	b.t.Helper()
	lines, err := b.tryRerun(opt)
	if err != nil {
		b.t.Fatalf("%v\n%s", err, b.log)
	}
	return lines
}

func (b *box) tryRerun(opt RerunOptions) ([]string, error) {
	got, err := b.rerunRecords(opt)
	return b.lines(got), err
}

func (b *box) rerunRecords(opt RerunOptions) (*result.Collector, error) {
	got := &result.Collector{}
	if opt.Stdout == nil {
		opt.Stdout = io.Writer(b.out)
	}
	opt.Stderr = b.out
	return got, Rerun(b.t.Context(), b.open(""), opt, got)
}

func (b *box) lines(c *result.Collector) []string {
	var lines []string
	for _, r := range c.Records {
		rel, err := filepath.Rel(b.dir, r.Path)
		if err != nil {
			rel = r.Path
		}
		line := fmt.Sprintf("%s %s %s", r.Action, r.Status, rel)
		if m := text(r); m != "" && r.Action == "run" {
			line += " [" + m + "]"
		}
		lines = append(lines, line)
	}
	return lines
}

// text is the message as people see it.
func text(r result.Record) string {
	switch m := r.Fields["message"].(type) {
	case string:
		return m
	case result.Tuple:
		return fmt.Sprintf(m[0].(string), m[1:]...)
	}
	return ""
}

func (b *box) write(rel, text string) {
	b.t.Helper()
	p := filepath.Join(b.dir, rel)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

func (b *box) read(rel string) string {
	b.t.Helper()
	data, err := os.ReadFile(filepath.Join(b.dir, rel))
	if err != nil {
		b.t.Fatal(err)
	}
	return string(data)
}

// save commits everything with git alone, as small text.
func (b *box) save(message string) {
	b.t.Helper()
	b.sh("git -c annex.largefiles=nothing add -A && git commit -qm '" + message + "'")
}

// sh runs a shell line in the dataset.
func (b *box) sh(line string) string {
	b.t.Helper()
	cmd := exec.Command("/bin/sh", "-c", line)
	cmd.Dir, cmd.Env = b.dir, b.vars
	out, err := cmd.CombinedOutput()
	if err != nil {
		b.t.Fatalf("%s: %v\n%s", line, err, out)
	}
	return strings.TrimRight(string(out), "\n")
}

// datalad runs the real program and returns standard output.
func (b *box) datalad(sub string, args ...string) string {
	b.t.Helper()
	name, err := exec.LookPath("datalad")
	if err != nil {
		if os.Getenv("CI") != "" {
			b.t.Fatal("datalad is needed: ", err)
		}
		b.t.Skip("no datalad: ", err)
	}
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = filepath.Join(b.dir, sub), b.vars
	var out, log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &log
	if err := cmd.Run(); err != nil {
		b.t.Logf("datalad %q: %v\n%s%s", args, err, &out, &log)
	}
	b.log.Write(log.Bytes())
	return out.String()
}

func same(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n%s\nwant:\n%s", what, got, want)
	}
}

func ptr[T any](v T) *T { return &v }

// jsonLine prints a result as the command line does.
func jsonLine(r result.Record) string {
	m := map[string]any{"action": r.Action, "status": string(r.Status), "path": r.Path}
	if r.Type != "" {
		m["type"] = r.Type
	}
	for k, v := range r.Fields {
		if t, ok := v.(result.Tuple); ok {
			v = []any(t)
		}
		m[k] = v
	}
	return pyfmt.JSON(m)
}
