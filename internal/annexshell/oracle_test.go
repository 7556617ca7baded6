package annexshell

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/test/crash/rig"
)

// TestAsGitAnnexShell runs the same command lines with the real program and
// compares exit codes and what is printed.
func TestAsGitAnnexShell(t *testing.T) {
	rig.Need(t, "git-annex", "git-annex-shell")
	w := rig.NewWorld(t, "/usr/bin/git")
	dir := filepath.Join(w.Root, "repo")
	runGit(t, w, w.Root, "init", "-q", dir)
	runGit(t, w, dir, "annex", "init", "repo")
	content := filepath.Join(w.Root, "content")
	os.WriteFile(content, []byte("content"), 0o644)
	const key, absent = "WORM-s7--here", "WORM-s7--not-here"
	runGit(t, w, dir, "annex", "setkey", key, content)
	runGit(t, w, w.Root, "init", "-q", "plain")
	link := filepath.Join(w.Root, "link")
	os.Symlink(dir, link)
	for _, c := range []struct {
		env   string
		args  []string
		texts bool // what is printed must be equal as well
		stdin string
	}{
		{"", []string{"configlist", dir}, true, ""},
		{"", []string{"-c", "git-annex-shell 'configlist' '" + dir + "'"}, true, ""},
		{"", []string{"-c", "configlist", dir}, true, ""},
		{"", []string{"configlist", filepath.Join(w.Root, "plain")}, true, ""},
		{"", []string{"configlist", filepath.Join(w.Root, "nosuch")}, false, ""},
		{"GIT_ANNEX_SHELL_READONLY=1", []string{"configlist", dir}, true, ""},
		{"GIT_ANNEX_SHELL_DIRECTORY=" + dir, []string{"configlist", dir}, true, ""},
		{"GIT_ANNEX_SHELL_DIRECTORY=/tmp", []string{"configlist", dir}, false, ""},
		{"", []string{"inannex", dir, key}, true, ""},
		{"", []string{"inannex", dir, absent}, true, ""},
		{"", []string{"inannex", dir, "no key"}, false, ""},
		{"", []string{"dropkey", dir, key}, true, ""},
		{"GIT_ANNEX_SHELL_READONLY=1", []string{"dropkey", dir, key, "--force"}, true, ""},
		{"GIT_ANNEX_SHELL_APPENDONLY=1", []string{"dropkey", dir, key, "--force"}, false, ""},
		{"", []string{"p2pstdio", dir, "u", "--uuid", "other"}, true, ""},
		{"", []string{"p2pstdio", dir, "11111111-1111-4111-8111-111111111111"}, true,
			"VERSION 1\nCHECKPRESENT " + key + "\nCHECKPRESENT " + absent + "\nBOGUS\nGET 2 f " + key + "\nSUCCESS\nGET 0  " + absent +
				"\nFAILURE\nLOCKCONTENT " + absent + "\nLOCKCONTENT " + key + "\nUNLOCKCONTENT\nPUT f " + key + "\nREMOVE " + absent + "\n"},
		{"", []string{"p2pstdio", dir, "11111111-1111-4111-8111-111111111111"}, true,
			"VERSION 1\nLOCKCONTENT " + key + "\nBOGUS\nLOCKCONTENT " + key + "\nCHECKPRESENT " + key + "\nPUT f " + absent + "\nBOGUS\nPUT f " + absent +
				"\nSUCCESS\nGET 0 f " + key + "\nBOGUS\nGET 0 f " + key + "\nVALID\nCHECKPRESENT " + key + "\n"},
		{"GIT_ANNEX_SHELL_READONLY=1", []string{"p2pstdio", dir, "11111111-1111-4111-8111-111111111111"}, true,
			"VERSION 1\nREMOVE " + key + "\nPUT f " + absent + "\n"},
		{"GIT_ANNEX_SHELL_APPENDONLY=1", []string{"p2pstdio", dir, "11111111-1111-4111-8111-111111111111"}, true, "VERSION 0\nREMOVE " + key + "\n"},
		{"GIT_ANNEX_SHELL_APPENDONLY=1", []string{"p2pstdio", dir, "11111111-1111-4111-8111-111111111111"}, true, "VERSION 1\nCONNECT git-receive-pack\n"},
		{"GIT_ANNEX_SHELL_READONLY=1", []string{"p2pstdio", dir, "11111111-1111-4111-8111-111111111111"}, true, "VERSION 1\nCONNECT git-receive-pack\n"},
		{"", []string{"bogus", dir}, false, ""},
		{"", nil, false, ""},
		{"GIT_ANNEX_SHELL_LIMITED=1", []string{"-c", "git-upload-pack '" + dir + "'"}, true, ""},
		{"GIT_ANNEX_SHELL_DIRECTORY=/tmp", []string{"-c", "git-upload-pack '" + dir + "'"}, false, ""},
		{"GIT_ANNEX_SHELL_DIRECTORY=" + dir, []string{"-c", "git-upload-pack '" + dir + "'"}, true, "0000"},
		{"", []string{"-c", "git-receive-pack '" + dir + "'"}, true, "0000"},
		{"", []string{"-c", "sh -c 'echo unsafe'"}, false, ""},
	} {
		env := w.Env
		if c.env != "" {
			env = append(append([]string{}, env...), c.env)
		}
		cmd := exec.Command("git-annex-shell", c.args...)
		cmd.Env, cmd.Dir, cmd.Stdin = env, w.Root, strings.NewReader(c.stdin)
		var out, errOut bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errOut
		_ = cmd.Run()
		var ours, oursErr bytes.Buffer
		code := Run(t.Context(), Call{Args: c.args, Env: env, Host: "host", Stdin: strings.NewReader(c.stdin), Stdout: &ours, Stderr: &oursErr})
		name := c.env + " " + strings.Join(c.args, " ")
		if want := cmd.ProcessState.ExitCode(); code != want {
			t.Errorf("%s: exit code %d, want %d\n%s%s\nwant:\n%s%s", name, code, want, ours.String(), oursErr.String(), out.String(), errOut.String())
		}
		if c.texts && (versioned(ours.String()) != out.String() || oursErr.String() != errOut.String()) {
			t.Errorf("%s:\n%q %q\nwant:\n%q %q", name, ours.String(), oursErr.String(), out.String(), errOut.String())
		}
	}
}

// versioned is our answer as a program gives it that knows version 1 only.
func versioned(s string) string { return strings.Replace(s, "VERSION 3\n", "VERSION 1\n", 1) }

func runGit(t *testing.T, w *rig.World, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Env = dir, w.Env
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

func TestANewRepositoryGetsAnAnnexWhenAsked(t *testing.T) {
	rig.Need(t, "git-annex")
	w := rig.NewWorld(t, "/usr/bin/git")
	dir := filepath.Join(w.Root, "new.git")
	runGit(t, w, w.Root, "init", "-q", "--bare", dir)
	ask := func(env string, args ...string) string {
		var out, errOut bytes.Buffer
		call := Call{Args: append([]string{"configlist", dir}, args...), Env: append(append([]string{}, w.Env...), env), Host: "h", Stdin: &bytes.Buffer{}, Stdout: &out, Stderr: &errOut}
		if code := Run(t.Context(), call); code != 0 {
			t.Fatalf("%d %s", code, errOut.String())
		}
		return out.String()
	}
	const none = "annex.uuid=\ncore.gcrypt-id=\n"
	if got := ask("X=1"); got != none {
		t.Errorf("%q", got)
	}
	if got := ask("GIT_ANNEX_SHELL_READONLY=1", "--", "autoinit=1", "--"); got != none {
		t.Errorf("read-only: %q", got)
	}
	got := ask("X=1", "--", "autoinit=1", "--")
	if !strings.HasPrefix(got, "annex.uuid=") || len(got) < 50 || ask("X=1") != got {
		t.Errorf("%q", got)
	}
	runGit(t, w, dir, "annex", "fsck", "--all")
}
