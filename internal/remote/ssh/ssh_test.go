package ssh

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/local"
	"github.com/stemma-data/stemma/internal/remote/remotetest"
	"github.com/stemma-data/stemma/test/crash/rig"
	"github.com/stemma-data/stemma/test/sshd"
)

var stemma string // the built binary

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "stemma-ssh")
	if err == nil {
		stemma, err = rig.Build(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// far is a host with repositories, seen from here.
type far struct {
	*rig.World
	server *sshd.Server
	shell  string // what plays git-annex-shell there
}

// shells are the two that a host may have.
var shells = []string{"git-annex", "stemma"}

func newFar(t *testing.T, shell string, env map[string]string) *far {
	t.Helper()
	rig.Need(t, "git-annex")
	w := rig.NewWorld(t, stemma)
	bin := filepath.Join(w.Root, "farbin")
	os.MkdirAll(bin, 0o755)
	if shell == "stemma" {
		for _, name := range []string{"git-annex-shell", "stemma"} {
			if err := os.Symlink(stemma, filepath.Join(bin, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	vars := map[string]string{"PATH": bin + ":/usr/bin:/bin"}
	for _, kv := range w.Env {
		if name, value, _ := strings.Cut(kv, "="); name != "PATH" {
			vars[name] = value
		}
	}
	for name, value := range env {
		vars[name] = value
	}
	f := &far{World: w, server: sshd.Start(t, sshd.Options{Env: vars}), shell: shell}
	f.Env = append(f.Env, f.server.Env()...)
	return f
}

func (f *far) run(t testing.TB, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = dir, f.Env
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// repository makes an empty annex on the host.
func (f *far) repository(t testing.TB, name string, bare bool) string {
	t.Helper()
	dir := filepath.Join(f.Root, name)
	args := []string{"init", "-q", dir}
	if bare {
		args = append(args, "--bare")
	}
	f.run(t, f.Root, "git", args...)
	f.run(t, dir, "git", "annex", "init", name)
	return dir
}

// setup describes the repository as a remote of a client.
func (f *far) setup(t testing.TB, dir string) remote.Setup {
	t.Helper()
	uuid := f.run(t, dir, "git", "config", "annex.uuid")
	return remote.Setup{
		Spec:     remote.Spec{Name: "far", Kind: remote.Network, URL: f.server.URL(dir), UUID: uuid},
		Settings: git.NewConfig([2]string{"annex.uuid", "11111111-1111-4111-8111-111111111111"}), Env: f.Env, GitDir: f.Root,
	}
}

func (f *far) open(t testing.TB, dir string) *Remote {
	t.Helper()
	r, err := Open(t.Context(), f.setup(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func TestConformance(t *testing.T) {
	for _, shell := range shells {
		t.Run(shell, func(t *testing.T) {
			f, n := newFar(t, shell, nil), 0
			remotetest.Run(t, func(t *testing.T) remotetest.Case {
				n++
				dir := f.repository(t, fmt.Sprint("far", n), n%2 == 0)
				return remotetest.Case{Keeper: f.open(t, dir), NoOddKeys: shell == "git-annex"}
			})
		})
	}
}

func store(t testing.TB, r *Remote, content string) annexkey.Key {
	t.Helper()
	k := remotetest.KeyOf([]byte(content))
	path := filepath.Join(t.TempDir(), "content")
	os.WriteFile(path, []byte(content), 0o644)
	if err := r.Store(t.Context(), k, remote.Content{Path: path, Size: int64(len(content))}); err != nil {
		t.Fatal(err)
	}
	return k
}

func TestLocksHoldAgainstDrops(t *testing.T) {
	for _, shell := range shells {
		t.Run(shell, func(t *testing.T) {
			f := newFar(t, shell, nil)
			dir := f.repository(t, "far", false)
			r := f.open(t, dir)
			k := store(t, r, "precious")
			lock, err := r.Lock(t.Context(), k)
			if err != nil {
				t.Fatal(err)
			}
			if err := lock.Held(); err != nil {
				t.Error("held:", err)
			}
			if err := r.Remove(t.Context(), k); !errors.Is(err, remote.ErrBusy) {
				t.Errorf("removed under a lock: %v", err)
			}
			cmd := exec.Command("git", "annex", "drop", "--force", "--key", k.String())
			cmd.Dir, cmd.Env = dir, f.Env
			if out, err := cmd.CombinedOutput(); err == nil {
				t.Errorf("git-annex dropped it: %s", out)
			}
			lock.Release()
			if err := r.Remove(t.Context(), k); err != nil {
				t.Errorf("after the release: %v", err)
			}
			if _, err := r.Lock(t.Context(), k); err == nil {
				t.Error("absent content was locked")
			}
		})
	}
}

func TestALostConnectionShows(t *testing.T) {
	f := newFar(t, "stemma", nil)
	dir := f.repository(t, "far", false)
	r := f.open(t, dir)
	k := store(t, r, "precious")
	l, err := r.Lock(t.Context(), k)
	if err != nil {
		t.Fatal(err)
	}
	l.(*lock).conn.process.Kill()
	for range 200 {
		if l.Held() != nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if l.Held() == nil {
		t.Fatal("the lock is still held")
	}
	l.Release()
	// The far end keeps the content for ten minutes, as newer git-annexes do.
	store := local.Store{Dir: filepath.Join(dir, ".git", "annex"), Version: "10"}
	kept := func() bool {
		c, err := store.Exclude(k)
		if err == nil {
			c.Release()
		}
		return errors.Is(err, remote.ErrBusy)
	}
	time.Sleep(300 * time.Millisecond)
	if !kept() {
		t.Error("content of a client that was cut off can be dropped at once")
	}
}

func TestResumeOfABrokenStore(t *testing.T) {
	for _, shell := range shells {
		t.Run(shell, func(t *testing.T) {
			f := newFar(t, shell, nil)
			dir := f.repository(t, "far", true)
			r := f.open(t, dir)
			content := remotetest.Bytes(3<<20, 5)
			k := remotetest.KeyOf(content)
			os.MkdirAll(filepath.Join(dir, "annex", "tmp"), 0o755)
			os.WriteFile(filepath.Join(dir, "annex", "tmp", k.File()), content[:2<<20], 0o644)
			path := filepath.Join(t.TempDir(), "content")
			os.WriteFile(path, content, 0o644)
			var steps []int64
			err := r.Store(t.Context(), k, remote.Content{Path: path, Size: k.Size, Moved: func(n int64) { steps = append(steps, n) }})
			if err != nil || len(steps) == 0 || steps[0] != 2<<20 {
				t.Fatalf("%v %v", err, steps)
			}
			h := sha256.New()
			dst := filepath.Join(t.TempDir(), "back")
			if err := r.Fetch(t.Context(), k, dst, h); err != nil || !k.Verify(h.Sum(nil)) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestAnotherRepositoryIsRefused(t *testing.T) {
	for _, shell := range shells {
		t.Run(shell, func(t *testing.T) {
			f := newFar(t, shell, nil)
			s := f.setup(t, f.repository(t, "far", false))
			right := s.UUID
			s.UUID = "22222222-2222-4222-8222-222222222222"
			r, err := Open(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			if _, err := r.Present(t.Context(), remotetest.KeyOf(nil)); err == nil || !strings.Contains(err.Error(), "found UUID "+right) {
				t.Errorf("%v", err)
			}
			s.UUID = ""
			found, err := Open(t.Context(), s)
			if err != nil || found.UUID() != right {
				t.Errorf("%v", err)
			}
			s.URL = f.server.URL(filepath.Join(f.Root, "nosuch"))
			if _, err := Open(t.Context(), s); !errors.Is(err, remote.ErrNoAnnex) {
				t.Errorf("no repository: %v", err)
			}
		})
	}
}

func TestSharedConnection(t *testing.T) {
	f := newFar(t, "stemma", nil)
	s := f.setup(t, f.repository(t, "far", false))
	s.Env, s.GitDir = rig.NewWorld(t, stemma).Env, filepath.Dir(f.server.Config)
	cfg := [][2]string{{"annex.uuid", "11111111-1111-4111-8111-111111111111"}, {"annex.ssh-options", "-F " + f.server.Config}}
	s.Settings = git.NewConfig(cfg...)
	r, err := Open(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	store(t, r, "shared")
	r.Close()
	sockets, _ := filepath.Glob(s.AnnexDir("ssh", "*"))
	if len(sockets) != 1 {
		t.Fatalf("sockets: %v", sockets)
	}
	if out, err := exec.Command("ssh", "-F", f.server.Config, "-S", sockets[0], "-O", "exit", sshd.Host).CombinedOutput(); err != nil {
		t.Errorf("%v %s", err, out)
	}
}

func TestCancelEndsAWait(t *testing.T) {
	f := newFar(t, "stemma", nil)
	s := f.setup(t, f.repository(t, "far", false))
	silent := filepath.Join(f.Root, "silent")
	os.WriteFile(silent, []byte("#!/bin/sh\nexec sleep 60\n"), 0o755)
	s.Env = append(s.Env, "GIT_SSH_COMMAND="+silent)
	r, err := Open(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := r.Present(ctx, remotetest.KeyOf(nil)); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

// A host that has only Stemma serves git and git-annex clients in full.
func TestGitAnnexClientOfStemma(t *testing.T) {
	f := newFar(t, "stemma", nil)
	far := filepath.Join(f.Root, "far.git")
	f.run(t, f.Root, "git", "init", "-q", "--bare", far)
	near := filepath.Join(f.Root, "near")
	f.run(t, f.Root, "git", "clone", "-q", f.server.URL(far), near)
	f.run(t, near, "git", "annex", "init", "near")
	content := string(remotetest.Bytes(300000, 1))
	os.WriteFile(filepath.Join(near, "big file.dat"), []byte(content), 0o644)
	f.run(t, near, "git", "annex", "add", ".")
	f.run(t, near, "git", "commit", "-qm", "a file")
	f.run(t, near, "git", "push", "-q", "origin", "HEAD:main", "git-annex")
	f.run(t, near, "git", "annex", "copy", "--to=origin", ".")
	f.run(t, near, "git", "annex", "fsck", "--from=origin", ".")
	f.run(t, near, "git", "annex", "drop", ".")
	other := filepath.Join(f.Root, "other")
	f.run(t, f.Root, "git", "clone", "-q", "-b", "main", f.server.URL(far), other)
	f.run(t, other, "git", "annex", "get", ".")
	if got, err := os.ReadFile(filepath.Join(other, "big file.dat")); err != nil || string(got) != content {
		t.Errorf("%v, %d bytes", err, len(got))
	}
	f.run(t, near, "git", "annex", "move", "--from=origin", ".")
	f.run(t, near, "git", "annex", "fsck", ".")
	if out := f.run(t, far, "git", "annex", "fsck", "--all"); strings.Contains(out, "fixing") {
		t.Errorf("git-annex finds the far log wrong: %s", out)
	}
	uuid := f.run(t, far, "git", "config", "annex.uuid")
	f.run(t, far, "git", "annex", "merge")
	log := f.run(t, far, "git", "grep", "-h", uuid, "git-annex", "--", "*.log")
	if !strings.Contains(log, " 0 "+uuid) {
		t.Errorf("the far log does not say that the content has gone: %s", log)
	}
}

func TestRestrictions(t *testing.T) {
	for name, c := range map[string]struct {
		env        map[string]string
		store, del bool
	}{
		"none":        {nil, true, true},
		"read-only":   {map[string]string{"GIT_ANNEX_SHELL_READONLY": "1"}, false, false},
		"append-only": {map[string]string{"GIT_ANNEX_SHELL_APPENDONLY": "1"}, true, false},
		"elsewhere":   {map[string]string{"GIT_ANNEX_SHELL_DIRECTORY": "/nowhere"}, false, false},
	} {
		for _, shell := range shells {
			if shell == "git-annex" && name != "read-only" {
				continue // annexshell's own tests compare the two
			}
			t.Run(name+"/"+shell, func(t *testing.T) {
				f := newFar(t, shell, c.env)
				r := f.open(t, f.repository(t, "far", false))
				content := []byte("content")
				k := remotetest.KeyOf(content)
				path := filepath.Join(t.TempDir(), "content")
				os.WriteFile(path, content, 0o644)
				err := r.Store(t.Context(), k, remote.Content{Path: path, Size: k.Size})
				if (err == nil) != c.store {
					t.Errorf("store: %v", err)
				}
				if err := r.Remove(t.Context(), k); (err == nil) != c.del {
					t.Errorf("remove: %v", err)
				}
			})
		}
	}
}
