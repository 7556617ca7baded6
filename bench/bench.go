package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// experiment is one section of the report.
type experiment struct {
	name string
	run  func(context.Context, *bench) error
}

// bench is one run: its options, the programs it found, and its temporary folder.
type bench struct {
	options
	tmp     string
	stemma  string // the program under test
	env     []string
	slurm   bool   // a private Slurm answers
	standIn string // folder of the stand-in for Slurm, once it is used
	out     io.Writer
	repos   map[string]*repo
	known   map[string]bool // stemma's commands, once asked
	checks  []check
}

func newBench(ctx context.Context, o options) (*bench, error) {
	tmp, err := os.MkdirTemp("", "stemma-bench.")
	if err != nil {
		return nil, err
	}
	b := &bench{options: o, tmp: tmp, repos: map[string]*repo{}, known: map[string]bool{}}
	b.slurm = !o.noSlurm && os.Getenv("STEMMA_TEST_SLURM") != ""
	if err := b.isolate(); err != nil {
		return nil, err
	}
	if b.stemma, err = b.program(ctx); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

// isolate gives the programs a home of their own, without the user's
// configuration, and without maintenance in the background.
func (b *bench) isolate() error {
	home := filepath.Join(b.tmp, "home")
	if err := os.MkdirAll(home, 0o755); err != nil {
		return err
	}
	config := "[user]\n\tname = Bench\n\temail = bench@example.org\n[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n[init]\n\tdefaultBranch = main\n[advice]\n\tdetachedHead = false\n"
	file := filepath.Join(home, ".gitconfig")
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "GIT_") && !strings.HasPrefix(v, "STEMMA_") && !strings.HasPrefix(v, "DATALAD_") {
			b.env = append(b.env, v)
		}
	}
	b.env = append(b.env, "HOME="+home, "GIT_CONFIG_GLOBAL="+file, "GIT_CONFIG_NOSYSTEM=1",
		"LC_ALL=C.UTF-8", "TERM=dumb", "XDG_CONFIG_HOME="+home, "XDG_CACHE_HOME="+home)
	return os.WriteFile(file, []byte(config), 0o644)
}

// program is the stemma to measure, the one named or a fresh build, installed as
// any program is: what a linker has just written lies in the page cache in
// small pages, and each start of it takes a millisecond longer.
func (b *bench) program(ctx context.Context) (string, error) {
	path := filepath.Join(b.tmp, "bin", "stemma")
	source := b.options.stemma
	if source == "" {
		source = path + ".linked"
		version, _ := b.output(ctx, "", "git", "describe", "--tags", "--always", "--dirty")
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w -X main.version="+orElse(version, "unknown"), "-o", source, "./cmd/stemma")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("build stemma: %w: %s", err, out)
		}
	}
	return path, b.must(ctx, in(".", "install", "-D", source, path))
}

func (b *bench) close() {
	remove(b.tmp)
}

// remove deletes a folder that may hold git-annex's read-only folders.
func remove(dir string) {
	_ = exec.Command("chmod", "-R", "u+w", dir).Run()
	_ = os.RemoveAll(dir)
}

// absent says why stemma cannot run command here, or "".
func (b *bench) absent(ctx context.Context, command string) string {
	if _, asked := b.known[command]; !asked {
		out, _ := b.output(ctx, "", b.stemma, command, "--help")
		b.known[command] = strings.Contains(out, "stemma "+command+" ")
	}
	if b.known[command] {
		return ""
	}
	return "not available in this build"
}

// lacking says why none of a peer's programs can run here, or "".
func lacking(program string) string {
	if _, err := exec.LookPath(program); err != nil {
		return "not installed"
	}
	return ""
}

// progress tells a waiting user what is measured now.
func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "bench: "+format+"\n", args...)
}
