// Package transfer tests the built program where content moves: what breaks off
// at any point, what arrives damaged, and who drops at the same time. It looks
// at the repositories with git-annex and with its own eyes only.
package transfer

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/test/crash/rig"
	"github.com/stemma-data/stemma/test/sshd"
)

var program string // the built binary

func TestMain(m *testing.M) {
	if os.Getenv(faultVar) != "" {
		os.Exit(faultySSH(os.Args[1:]))
	}
	dir, err := os.MkdirTemp("", "stemma-transfer")
	if err == nil {
		program, err = rig.Build(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// soak chooses between the quick run and the long one.
func soak(few, many int) int {
	if os.Getenv("STEMMA_SOAK") != "" {
		return many
	}
	return few
}

// world is a place with repositories that reach each other by path and by ssh.
type world struct {
	*rig.World
	t      testing.TB
	server *sshd.Server
}

// newWorld starts an sshd whose git-annex-shell is Stemma.
func newWorld(t testing.TB) *world {
	t.Helper()
	rig.Need(t, "git-annex")
	w := rig.NewWorld(t, program)
	bin := filepath.Join(w.Root, "farbin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"git-annex-shell", "stemma"} {
		if err := os.Symlink(program, filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	vars := map[string]string{"PATH": bin + ":/usr/bin:/bin"}
	for _, kv := range w.Env {
		if name, value, _ := strings.Cut(kv, "="); name != "PATH" {
			vars[name] = value
		}
	}
	x := &world{World: w, t: t, server: sshd.Start(t, sshd.Options{Env: vars})}
	x.Env = append(x.Env, x.server.Env()...)
	return x
}

// command prepares a program; env is added to the world's.
func (w *world) command(dir string, env []string, args ...string) *exec.Cmd {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir, cmd.Env = dir, append(append([]string{}, w.Env...), env...)
	return cmd
}

func (w *world) run(dir string, args ...string) string {
	w.t.Helper()
	out, err := w.command(dir, nil, args...).CombinedOutput()
	if err != nil {
		w.t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// dataset makes a dataset with a file of each name, and its clones, which all
// know each other as remotes by their names.
func (w *world) datasets(files map[string][]byte, url func(dir string) string, names ...string) map[string]string {
	w.t.Helper()
	dirs := map[string]string{}
	for i, name := range names {
		dir := filepath.Join(w.Root, name)
		dirs[name] = dir
		if i > 0 {
			w.run(w.Root, "git", "clone", "-q", dirs[names[0]], dir)
			w.run(dir, "git", "remote", "remove", "origin")
			w.run(dir, "git", "annex", "init", name)
			continue
		}
		w.run(w.Root, program, "create", dir)
		for f, content := range files {
			if err := os.WriteFile(filepath.Join(dir, f), content, 0o644); err != nil {
				w.t.Fatal(err)
			}
		}
		w.run(dir, program, "save", "-m", "files")
	}
	for _, a := range names {
		for _, b := range names {
			if a != b {
				w.run(dirs[a], "git", "remote", "add", b, url(dirs[b]))
				w.run(dirs[a], "git", "config", "remote."+b+".annex-uuid", w.run(dirs[b], "git", "config", "annex.uuid"))
				w.run(dirs[a], "git", "fetch", "-q", b)
			}
		}
	}
	return dirs
}

func path(dir string) string { return dir }

// objectOf is where a repository has a file's content; "" if it has none.
func objectOf(dir, file string) string {
	target, err := os.Readlink(filepath.Join(dir, file))
	if err != nil {
		return ""
	}
	key := filepath.Base(target)
	found, _ := filepath.Glob(filepath.Join(dir, ".git", "annex", "objects", "*", "*", key, key))
	if len(found) == 0 {
		return ""
	}
	return found[0]
}

// intact fails the test if a repository holds wrong content under the file's
// key, and reports whether it has the content.
func (w *world) intact(dir, file string) bool {
	w.t.Helper()
	object := objectOf(dir, file)
	if object == "" {
		return false
	}
	content, err := os.ReadFile(object)
	if err != nil {
		w.t.Fatal(err)
	}
	sum := sha256.Sum256(content)
	if !strings.Contains(filepath.Base(object), hex.EncodeToString(sum[:])) && strings.Contains(filepath.Base(object), "SHA256") {
		w.t.Fatalf("%s: wrong content was accepted as %s", dir, object)
	}
	return true
}

func random(n int, seed byte) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{seed}).Read(b)
	return b
}
