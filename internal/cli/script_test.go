package cli

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes the test binary play the programs that scripts call: Stemma
// under all its names.
func TestMain(m *testing.M) {
	run := func() {
		os.Exit(Main("test", os.Args, os.Environ(), os.Stdin, os.Stdout, os.Stderr))
	}
	if _, ok := faces()[filepath.Base(os.Args[0])]; ok {
		run() // not on PATH by these names, unlike the others
	}
	testscript.Main(m, map[string]func(){"stemma": run, "datalad": run})
}

func TestScripts(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Fatal("git is missing")
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		Setup:               isolate,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"wait-until": waitUntil,
			"exits":      exits,
		},
		Condition: func(name string) (bool, error) {
			if name == "root" {
				return os.Geteuid() == 0, nil
			}
			if program, ok := strings.CutPrefix(name, "needs:"); ok {
				return available(program)
			}
			return false, fmt.Errorf("unknown condition %q", name)
		},
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
	})
}

// isolate gives each script a home of its own, with an identity for git.
func isolate(env *testscript.Env) error {
	home := filepath.Join(env.WorkDir, ".home")
	if err := os.Mkdir(home, 0o755); err != nil {
		return err
	}
	config := "[user]\n\tname = Ada Tester\n\temail = ada@example.org\n[init]\n\tdefaultBranch = main\n"
	if err := os.WriteFile(filepath.Join(home, "gitconfig"), []byte(config), 0o644); err != nil {
		return err
	}
	for name, value := range map[string]string{
		"HOME": home, "GIT_CONFIG_GLOBAL": filepath.Join(home, "gitconfig"), "GIT_CONFIG_NOSYSTEM": "1",
		"XDG_STATE_HOME": filepath.Join(home, "state"), "USER": "ada", "LC_ALL": "C.UTF-8", "TZ": "UTC",
		"STEMMA_SCHEDULER": "local", "STEMMA_LOCAL_SLOTS": "4", "GIT_CEILING_DIRECTORIES": env.WorkDir,
	} {
		env.Setenv(name, value)
	}
	env.Defer(func() { writable(env.WorkDir) })
	return nil
}

// writable undoes the write protection of annexed content, so that the folder
// can be deleted.
func writable(dir string) {
	_ = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() {
			_ = os.Chmod(path, 0o755)
		}
		return nil
	})
}

// exits runs a program and compares its exit code: exits 2 stemma save. The
// output is looked at with stdout and stderr as after exec.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGS")
	}
	script := `want=$0; "$@"; code=$?; test $code = $want || { echo "exit code $code, not $want"; exit 1; }`
	if err := ts.Exec("sh", append([]string{"-c", script}, args...)...); err != nil {
		ts.Fatalf("%v", err)
	}
}

// waitUntil repeats a command until it succeeds and prints the text: wait-until
// TEXT PROGRAM ARGS.
func waitUntil(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: wait-until TEXT PROGRAM ARGS")
	}
	script := `text=$0; n=0; while ! "$@" 2>&1 | grep -q -e "$text"; do n=$((n+1)); test $n -lt 600 || exit 1; sleep 0.1; done`
	if err := ts.Exec("sh", append([]string{"-c", script}, args...)...); err != nil {
		ts.Fatalf("%s never came: %v", args[0], err)
	}
}

// available is the condition [needs:PROGRAM], which fails in CI where the
// program is missing.
func available(program string) (bool, error) {
	_, err := exec.LookPath(program)
	if err == nil && os.Getenv("STEMMA_ORACLES") != "none" {
		return true, nil
	}
	if os.Getenv("CI") != "" {
		return false, fmt.Errorf("there is no %s; run scripts/oracles", program)
	}
	return false, nil
}
