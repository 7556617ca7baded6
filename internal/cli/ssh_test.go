package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/stemma-data/stemma/test/sshd"
)

// TestSSHScripts runs the scripts that need a host behind ssh, which they reach
// by the name far: once with Stemma there, once with git-annex.
func TestSSHScripts(t *testing.T) {
	for _, there := range []string{"stemma", "git-annex"} {
		t.Run(there, func(t *testing.T) {
			if there == "git-annex" {
				if ok, err := available("git-annex-shell"); err != nil || !ok {
					t.Skip("there is no git-annex", err)
				}
			}
			server := sshd.Start(t, sshd.Options{Env: farEnv(t, there)})
			testscript.Run(t, testscript.Params{
				Dir:                 "testdata/ssh",
				Setup:               func(env *testscript.Env) error { return withSSH(env, server) },
				RequireExplicitExec: true,
				RequireUniqueNames:  true,
				Cmds:                map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
				Condition: func(name string) (bool, error) {
					if name == "datalad" { // it takes long: once is enough
						if there == "stemma" {
							return false, nil
						}
						return available("/usr/bin/datalad")
					}
					return false, fmt.Errorf("unknown condition %q", name)
				},
			})
		})
	}
}

// farEnv is what commands by ssh find.
func farEnv(t *testing.T, program string) map[string]string {
	t.Helper()
	home, bin := t.TempDir(), t.TempDir()
	config := "[user]\n\tname = Far Away\n\temail = far@example.org\n[init]\n\tdefaultBranch = main\n[safe]\n\tdirectory = *\n"
	if err := os.WriteFile(filepath.Join(home, "gitconfig"), []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if program == "stemma" {
		for _, name := range []string{"stemma", "git-annex", "git-annex-shell"} {
			if err := os.Symlink(self, filepath.Join(bin, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return map[string]string{"PATH": bin + ":/usr/bin:/bin", "HOME": home, "GIT_CONFIG_GLOBAL": filepath.Join(home, "gitconfig"), "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C.UTF-8"}
}

// withSSH puts an ssh before the others that knows the server, and DataLad's scp.
func withSSH(env *testscript.Env, server *sshd.Server) error {
	if err := isolate(env); err != nil {
		return err
	}
	bin, real := filepath.Join(env.WorkDir, ".ssh-bin"), filepath.Join(env.WorkDir, ".real-bin")
	for _, dir := range []string{bin, real} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
	}
	// DataLad calls itself by its name, which is Stemma's on the PATH of scripts.
	if err := os.Symlink("/usr/bin/datalad", filepath.Join(real, "datalad")); err != nil {
		return err
	}
	env.Setenv("REAL", real)
	script := fmt.Sprintf("#!/bin/sh\necho ssh >> '%s/.ssh-calls'\nexec /usr/bin/ssh -F '%s' \"$@\"\n", env.WorkDir, server.Config)
	env.Setenv("PATH", bin+string(os.PathListSeparator)+env.Getenv("PATH"))
	if err := os.WriteFile(filepath.Join(bin, "ssh"), []byte(script), 0o755); err != nil {
		return err
	}
	script = fmt.Sprintf("#!/bin/sh\nexec /usr/bin/scp -F '%s' \"$@\"\n", server.Config)
	return os.WriteFile(filepath.Join(bin, "scp"), []byte(script), 0o755)
}
