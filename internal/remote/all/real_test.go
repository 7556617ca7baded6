package all

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/remotetest"
)

// bench is a repository of the real git-annex.
type bench struct {
	*testing.T
	dir, base string
	input     string // of the next git command
	annex     *annex.Annex
	more      map[string]string // configuration that git-annex does not know
	env       []string
}

// newBench makes the repository, or skips where a program is missing.
func newBench(t *testing.T, programs ...string) *bench {
	t.Helper()
	if os.Getenv("STEMMA_ORACLES") == "none" {
		t.Skip("compared with the real git-annex by make test")
	}
	for _, p := range append(programs, "git-annex") {
		if _, err := exec.LookPath(p); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatalf("%s is needed", p)
			}
			t.Skipf("%s is not installed", p)
		}
	}
	base := t.TempDir()
	b := &bench{T: t, dir: filepath.Join(base, "repo"), base: base}
	b.env = append(os.Environ(), "HOME="+base, "XDG_CONFIG_HOME="+base, "GIT_CONFIG_GLOBAL="+filepath.Join(base, "gitconfig"),
		"AWS_SHARED_CREDENTIALS_FILE=/dev/null")
	os.WriteFile(filepath.Join(base, "gitconfig"), []byte("[user]\n\tname = T\n\temail = t@example.com\n[init]\n\tdefaultBranch = main\n"), 0o644)
	os.Mkdir(b.dir, 0o755)
	t.Cleanup(func() { exec.Command("chmod", "-R", "u+w", base).Run() })
	b.git("init", "-q")
	b.git("annex", "init", "-q", "bench")
	return b
}

func (b *bench) tryGit(args ...string) (string, error) {
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Env, cmd.Stdin = b.dir, b.env, strings.NewReader(b.input)
	b.input = ""
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (b *bench) git(args ...string) string {
	b.Helper()
	out, err := b.tryGit(args...)
	if err != nil {
		b.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// add annexes and commits files and returns their keys.
func (b *bench) add(sets ...map[string][]byte) map[string]annexkey.Key {
	b.Helper()
	for _, set := range sets {
		for name, content := range set {
			os.WriteFile(filepath.Join(b.dir, name), content, 0o644)
		}
	}
	b.git("annex", "add", "-q", ".")
	b.git("commit", "-qm", "files")
	keys := map[string]annexkey.Key{}
	for line := range strings.Lines(b.git("annex", "find", "--anything", "--format=${file} ${key}\n")) {
		name, text, _ := strings.Cut(strings.TrimSpace(line), " ")
		k, err := annexkey.Parse(text)
		if err != nil {
			b.Fatal(err)
		}
		keys[name] = k
	}
	return keys
}

// gpgHome gives gpg a folder of its own: short, because of its socket.
func (b *bench) gpgHome() {
	b.Helper()
	home, err := os.MkdirTemp("", "gpg")
	if err != nil {
		b.Fatal(err)
	}
	b.env = append(b.env, "GNUPGHOME="+home)
	b.Cleanup(func() {
		b.run("gpgconf", "--kill", "all")
		os.RemoveAll(home)
	})
}

// logs are the branch of the repository.
type logs struct{ a *annex.Annex }

func (l logs) Read(ctx context.Context, path string) ([]byte, error) { return l.a.ReadLog(ctx, path) }

func (l logs) Change(ctx context.Context, path string, change func([]byte) []byte) error {
	return l.a.WriteJournal(ctx, path, "", change)
}

func (l logs) Now() annexlog.Clock { c, _ := annexlog.ParseClock("1900000000s"); return c }

// setup describes a configured remote.
func (b *bench) setup(name string) remote.Setup {
	b.Helper()
	repo, err := git.Open(context.Background(), b.dir, git.Options{Env: b.env})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { repo.Close() })
	a, err := annex.Open(repo)
	if err != nil {
		b.Fatal(err)
	}
	b.annex = a
	s := remote.Setup{Settings: repo.Config, Env: b.env, Home: b.base, WorkTree: repo.WorkTree, GitDir: repo.CommonDir, Logs: logs{a}}
	for _, spec := range remote.WithWeb(remote.List(repo.Config, repo.WorkTree)) {
		if spec.Name == name {
			s.Spec = spec
		}
	}
	data, err := a.ReadLog(context.Background(), annexlog.RemoteFile)
	if err != nil {
		b.Fatal(err)
	}
	s.Config = remote.ConfigOf(annexlog.ParseUUIDLog(data), s)
	maps.Copy(s.Config, b.more)
	return s
}

func (b *bench) open(name string) remote.Keeper {
	b.Helper()
	r, err := Open(context.Background(), b.setup(name))
	if err != nil {
		b.Fatal(err)
	}
	if c, ok := remote.As[remote.Closer](r); ok {
		b.Cleanup(func() { c.Close() })
	}
	k, ok := r.(remote.Keeper)
	if !ok {
		b.Fatalf("%s keeps nothing", name)
	}
	return k
}

// matrix stores on each side and reads on the other.
func (b *bench) matrix(name string) {
	b.Helper()
	theirs := map[string][]byte{"their-small.txt": []byte("hello\n"), "their-empty": nil, "their-big.dat": remotetest.Bytes(300000, 1)}
	ours := map[string][]byte{"our-small.txt": []byte("hello stemma\n"), "our-empty.x": nil, "our-big.dat": remotetest.Bytes(300000, 2)}
	keys := b.add(theirs, ours)
	b.git(append([]string{"annex", "copy", "-q", "--to", name}, slices.Collect(maps.Keys(theirs))...)...)
	r := b.open(name)
	for f, content := range theirs {
		b.wantFetched(r, keys[f], content)
	}
	present := ""
	for f := range ours {
		path, ok := b.annex.Locate(keys[f])
		if !ok {
			b.Fatalf("%s is not here", f)
		}
		if err := r.Store(context.Background(), keys[f], remote.Content{Path: path, Size: keys[f].Size}); err != nil {
			b.Fatalf("store %s: %v", f, err)
		}
		present += fmt.Sprintf("%s %s 1\n", keys[f], r.UUID())
		b.wantFetched(r, keys[f], ours[f])
	}
	b.input = present
	b.git("annex", "setpresentkey", "--batch")
	b.git("annex", "fsck", "-q", "--from", name)
	b.git("annex", "drop", "-q", "--force", ".")
	b.git("annex", "get", "-q", "--from", name, ".")
	b.wantRemoved(r, name, keys["our-small.txt"])
	b.wantRemoved(r, name, keys["their-small.txt"])
}

func (b *bench) wantFetched(r remote.Remote, k annexkey.Key, content []byte) {
	b.Helper()
	if ok, err := r.Present(context.Background(), k); !ok || err != nil {
		b.Errorf("present %s: %v %v", k, ok, err)
	}
	dst := filepath.Join(b.TempDir(), "got")
	h, _ := k.Hasher()
	if err := r.Fetch(context.Background(), k, dst, h); err != nil {
		b.Errorf("fetch %s: %v", k, err)
		return
	}
	if got, _ := os.ReadFile(dst); !bytes.Equal(got, content) || !k.Verify(h.Sum(nil)) {
		b.Errorf("fetch %s: other content", k)
	}
}

func (b *bench) wantRemoved(r remote.Keeper, name string, k annexkey.Key) {
	b.Helper()
	if err := r.Remove(context.Background(), k); err != nil {
		b.Errorf("remove %s: %v", k, err)
	}
	out, err := b.tryGit("annex", "checkpresentkey", k.String(), name)
	if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 1 {
		b.Errorf("git-annex still finds %s: %v %s", k, err, out)
	}
}

// someOf is the first two, or all where time is no matter.
func someOf(all ...string) []string {
	if os.Getenv("STEMMA_SOAK") == "" {
		return all[:2]
	}
	return all
}

func TestDirectoryWithGitAnnex(t *testing.T) {
	for _, params := range someOf("encryption=shared chunk=64KiB mac=HMACSHA512", "encryption=none", "encryption=none chunk=100kb", "encryption=shared") {
		t.Run(params, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "gpg")
			b.gpgHome()
			store := filepath.Join(b.base, "store")
			os.Mkdir(store, 0o755)
			b.git(append([]string{"annex", "initremote", "-q", "d", "type=directory", "directory=" + store}, strings.Fields(params)...)...)
			b.matrix("d")
		})
	}
}

func TestKeysWithGitAnnex(t *testing.T) {
	for _, scheme := range someOf("hybrid", "sharedpubkey", "pubkey") {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "gpg")
			b.gpgHome()
			b.run("gpg", "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", "", "--quick-gen-key", "T <t@example.com>", "rsa2048", "encr", "never")
			store := filepath.Join(b.base, "store")
			os.Mkdir(store, 0o755)
			b.git("annex", "initremote", "-q", "d", "type=directory", "directory="+store, "encryption="+scheme, "keyid=t@example.com")
			b.matrix("d")
		})
	}
}

func (b *bench) run(name string, args ...string) string {
	b.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = b.dir, b.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		b.Fatalf("%s: %v\n%s", fmt.Sprint(name, args), err, out)
	}
	return string(out)
}
