package cli

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

func commandTree(t *testing.T) *cobra.Command {
	t.Helper()
	return newApp("stemma", "test", os.Environ(), strings.NewReader(""), &bytes.Buffer{}, &bytes.Buffer{}).root("")
}

// TestEveryCommandIsDocumented: no command without a description and an
// example, no option without a help text.
func TestEveryCommandIsDocumented(t *testing.T) {
	for _, cmd := range documented(commandTree(t)) {
		path := cmd.CommandPath()
		if cmd.Short == "" || strings.HasSuffix(cmd.Short, ".") {
			t.Errorf("%s: the short description is missing, or ends in a full stop", path)
		}
		if cmd.HasParent() && cmd.Example == "" && !cmd.HasSubCommands() && !withoutExample[path] {
			t.Errorf("%s has no example", path)
		}
		for _, f := range options(cmd) {
			if f.Usage == "" {
				t.Errorf("%s: option --%s has no help text", path, f.Name)
			}
		}
	}
}

// withoutExample are commands whose call is their name, or whose help shows
// how they are called.
var withoutExample = map[string]bool{"stemma version": true, "stemma annex": true,
	"stemma jobs adopt": true, "stemma jobs import": true, "stemma jobs release": true, "stemma stage list": true, "stemma stage prune": true}

// TestDocumentationIsMade writes man pages and the reference.
func TestDocumentationIsMade(t *testing.T) {
	pages := documented(commandTree(t))
	dir := t.TempDir()
	if err := writeMan(dir, pages); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "stemma-save.1"))
	if err != nil || !strings.HasPrefix(string(text), ".TH STEMMA\\-SAVE 1") || !strings.Contains(string(text), "\n.TP\n.B \\-m, \\-\\-message MESSAGE\n") {
		t.Errorf("%v\n%s", err, text)
	}
	ref := referenceText(pages)
	for _, cmd := range pages {
		if !strings.Contains(ref, "\n## "+cmd.CommandPath()+"\n") {
			t.Errorf("%s is not in the reference", cmd.CommandPath())
		}
	}
}

// TestExamplesRun executes every example of the help texts. What they need is
// made by testdata/examples/COMMAND.sh, or by default.sh; there, $EXAMPLE is the
// line. A file that begins
// with "# not run: REASON" says why an example cannot run in a test.
func TestExamplesRun(t *testing.T) {
	bin := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(bin, "stemma")); err != nil {
		t.Fatal(err)
	}
	for _, cmd := range documented(commandTree(t)) {
		if cmd.Example == "" {
			continue
		}
		t.Run(strings.ReplaceAll(cmd.CommandPath(), " ", "-"), func(t *testing.T) {
			t.Parallel()
			setup := exampleSetup(t, cmd)
			if reason, ok := strings.CutPrefix(setup, "# not run: "); ok {
				t.Skip(reason)
			}
			for _, line := range strings.Split(cmd.Example, "\n") {
				if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
					runExample(t, bin, setup, line)
				}
			}
		})
	}
}

func exampleSetup(t *testing.T, cmd *cobra.Command) string {
	t.Helper()
	name := strings.TrimPrefix(strings.ReplaceAll(cmd.CommandPath(), " ", "-"), "stemma-")
	text, err := os.ReadFile(filepath.Join("testdata/examples", name+".sh"))
	if os.IsNotExist(err) {
		text, err = os.ReadFile("testdata/examples/default.sh")
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func runExample(t *testing.T, bin, setup, line string) {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("bash", "-c", "set -eu\n"+setup+"\nset +u\n"+line+"\n")
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "HOME=" + dir, "USER=ada", "SHELL=/bin/bash", "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C.UTF-8",
		"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.org", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.org", "STEMMA_SCHEDULER=local", "EXAMPLE=" + line}
	t.Cleanup(func() { waitForJobs(t, filepath.Join(dir, ".local/state/stemma/local/jobs")) })
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", line, err, out)
	}
}

// waitForJobs waits until the supervisors of an embedded scheduler have ended,
// by the locks that they hold for their lives. A supervisor starts what waits
// before it ends.
func waitForJobs(t *testing.T, jobs string) {
	t.Helper()
	for ended := 0; ; {
		locks, err := filepath.Glob(filepath.Join(jobs, "*", "alive*"))
		if err != nil {
			t.Fatal(err)
		}
		if len(locks) == ended {
			return
		}
		for _, name := range locks {
			lock, err := os.Open(name)
			if err != nil {
				t.Fatal(err)
			}
			if err := unix.Flock(int(lock.Fd()), unix.LOCK_SH); err != nil {
				t.Fatal(err)
			}
			lock.Close()
		}
		ended = len(locks)
	}
}
