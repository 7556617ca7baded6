package transfer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/local"
)

// fake is a remote that can fail in every way.
type fake struct {
	uuid    string
	content []byte
	err     error
	present []bool // answers, one after the other; the last one stays
}

func (f *fake) Name() string { return "r-" + f.uuid }
func (f *fake) UUID() string { return f.uuid }

func (f *fake) Present(ctx context.Context, k annexkey.Key) (bool, error) {
	ok := f.present[0]
	if len(f.present) > 1 {
		f.present = f.present[1:]
	}
	return ok, f.err
}

func (f *fake) Fetch(ctx context.Context, k annexkey.Key, dst string, h hash.Hash) error {
	if f.err != nil {
		return f.err
	}
	if h != nil {
		h.Write(f.content)
	}
	return os.WriteFile(dst, f.content, 0o644)
}

// locking is a fake whose copy can be locked, and lost in spite of that.
type locking struct {
	fake
	lockErr  error
	heldErr  error
	released int
}

func (l *locking) Lock(context.Context, annexkey.Key) (remote.Lock, error) {
	if l.lockErr != nil {
		return nil, l.lockErr
	}
	return l, nil
}
func (l *locking) Held() error { return l.heldErr }
func (l *locking) Release()    { l.released++ }

func keyOf(content []byte) annexkey.Key {
	sum := sha256.Sum256(content)
	k := annexkey.New("SHA256", hex.EncodeToString(sum[:]))
	k.Size = int64(len(content))
	return k
}

func newAnnex(t *testing.T) *annex.Annex {
	t.Helper()
	dir := t.TempDir()
	env := append(os.Environ(), "HOME="+dir, "GIT_CONFIG_GLOBAL=/dev/null")
	for _, args := range [][]string{{"init", "-q"}, {"config", "annex.uuid", "here"}, {"config", "annex.version", "10"}} {
		cmd := exec.Command("git", args...)
		cmd.Dir, cmd.Env = dir, env
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v %s", err, out)
		}
	}
	repo, err := git.Open(t.Context(), dir, git.Options{Env: env})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { repo.Close(); exec.Command("chmod", "-R", "u+w", dir).Run() })
	a, err := annex.Open(repo)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestGetTakesTheFirstIntactCopy(t *testing.T) {
	a := newAnnex(t)
	content := []byte("the content")
	k := keyOf(content)
	good := &fake{uuid: "good", content: content}
	from, err := (&Getter{Annex: a}).Get(t.Context(), k, []remote.Remote{
		&fake{uuid: "empty", err: remote.ErrAbsent},
		&fake{uuid: "broken", err: errors.New("input/output error")},
		&fake{uuid: "flipped", content: []byte("the c0ntent")},
		&fake{uuid: "cut", content: []byte("the")},
		good,
	})
	if err != nil || from != remote.Remote(good) {
		t.Fatalf("%v %v", from, err)
	}
	object, ok := a.Locate(k)
	if got, _ := os.ReadFile(object); !ok || !bytes.Equal(got, content) {
		t.Errorf("stored %q", got)
	}
	if fi, _ := os.Stat(object); fi.Mode().Perm() != 0o444 {
		t.Errorf("mode %v", fi.Mode())
	}
	if left, _ := os.ReadDir(a.Dir("tmp")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestGetSaysWhoFailed(t *testing.T) {
	a := newAnnex(t)
	k := keyOf([]byte("x"))
	_, err := (&Getter{Annex: a}).Get(t.Context(), k, []remote.Remote{
		&fake{uuid: "empty", err: remote.ErrAbsent}, &fake{uuid: "bad", content: []byte("y")},
	})
	want := "not available; r-bad: its content is damaged (verification failed) and was refused"
	if err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
	if a.Has(k) {
		t.Error("damaged content was stored")
	}
	weak := annexkey.New("MD5", "00")
	if _, err := (&Getter{Annex: a, SecureOnly: true}).Get(t.Context(), weak, nil); err == nil || !strings.Contains(err.Error(), "securehashesonly") {
		t.Errorf("insecure key: %v", err)
	}
}

func TestLargeContentIsHashedBesideTheCopy(t *testing.T) {
	a := newAnnex(t)
	content := bytes.Repeat([]byte("0123456789abcdef"), resumeFrom/16+1)
	k := keyOf(content)
	if _, err := (&Getter{Annex: a}).Get(t.Context(), k, []remote.Remote{&fake{uuid: "u", content: content}}); err != nil {
		t.Fatal(err)
	}
	content[len(content)-1]++
	bad := keyOf([]byte("other"))
	bad.Size = k.Size
	if _, err := (&Getter{Annex: a}).Get(t.Context(), bad, []remote.Remote{&fake{uuid: "u", content: content}}); err == nil {
		t.Error("wrong content accepted")
	}
}

func TestSweepRemovesOnlyOldLeftovers(t *testing.T) {
	a := newAnnex(t)
	os.MkdirAll(a.Dir("tmp"), 0o755)
	mine, foreign := a.Dir("tmp", ".stemma-tmp-x"), a.Dir("tmp", "SHA256-s1--x")
	os.WriteFile(mine, nil, 0o644)
	os.WriteFile(foreign, nil, 0o644)
	g := &Getter{Annex: a}
	g.Sweep(time.Now())
	if _, err := os.Stat(mine); err != nil {
		t.Error("a fresh file was removed")
	}
	g.Sweep(time.Now().Add(48 * time.Hour))
	if _, err := os.Stat(mine); err == nil {
		t.Error("an old file was kept")
	}
	if _, err := os.Stat(foreign); err != nil {
		t.Error("a partial download of git-annex was removed")
	}
}

func TestDrop(t *testing.T) {
	yes, no := []bool{true}, []bool{false}
	present := func(u string) remote.Remote { return &fake{uuid: u, present: yes} }
	for name, c := range map[string]struct {
		proof Proof
		want  string // part of the error; "" for success
	}{
		"nothing asked":       {Proof{}, ""},
		"no copy":             {Proof{Need: 1}, "existence of 0 out of 1 necessary copy;"},
		"trusted":             {Proof{Need: 1, Trusted: []string{"t"}}, ""},
		"trusted counts once": {Proof{Need: 2, Trusted: []string{"t"}, Ask: []remote.Remote{present("t")}}, "1 out of 2 necessary copies;"},
		"present":             {Proof{Need: 1, Ask: []remote.Remote{present("a")}}, ""},
		"same twice":          {Proof{Need: 2, Ask: []remote.Remote{present("a"), present("a")}}, "1 out of 2"},
		"absent":              {Proof{Need: 1, Ask: []remote.Remote{&fake{uuid: "a", present: no}}}, "0 out of 1"},
		"cannot tell":         {Proof{Need: 1, Ask: []remote.Remote{&fake{uuid: "a", present: yes, err: remote.ErrBusy}}}, "0 out of 1"},
		"out of reach": {Proof{Need: 1, Away: []string{"far"}, Ask: []remote.Remote{&fake{uuid: "a", present: no, err: os.ErrDeadlineExceeded}}},
			"copy; Unable to access these remotes: far, r-a; (Use"},
		"locked":              {Proof{Need: 1, Ask: []remote.Remote{&locking{fake: fake{uuid: "a"}}}}, ""},
		"being dropped there": {Proof{Need: 1, Ask: []remote.Remote{&locking{fake: fake{uuid: "a", present: yes}, lockErr: remote.ErrBusy}}}, "0 out of 1"},
		"no right to lock":    {Proof{Need: 1, Ask: []remote.Remote{&locking{fake: fake{uuid: "a", present: yes}, lockErr: remote.ErrNoLock}}}, ""},
		"lost meanwhile":      {Proof{Need: 1, Ask: []remote.Remote{&fake{uuid: "a", present: []bool{true, false}}}}, "0 out of 1"},
		"lock lost meanwhile": {Proof{Need: 1, Ask: []remote.Remote{&locking{fake: fake{uuid: "a"}, heldErr: remote.ErrAbsent}}}, "0 out of 1"},
	} {
		t.Run(name, func(t *testing.T) {
			store := &local.Store{Dir: filepath.Join(t.TempDir(), "annex"), Version: "10"}
			k := keyOf([]byte("x"))
			object := filepath.Join(store.Dir, "objects", k.ObjectPath())
			os.MkdirAll(filepath.Dir(object), 0o755)
			os.WriteFile(object, []byte("x"), 0o444)
			err := Drop(t.Context(), store, k, c.proof)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			if _, here := store.Locate(k); here != (err != nil) {
				t.Errorf("content here: %v", here)
			}
			for _, r := range c.proof.Ask {
				if l, ok := r.(*locking); ok && l.lockErr == nil && l.released != 1 {
					t.Errorf("released %d times", l.released)
				}
			}
			if _, err := os.Stat(object + ".lck"); err == nil {
				t.Error("lock file left")
			}
		})
	}
}

func TestDropGivesUpWhenInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	store := &local.Store{Dir: filepath.Join(t.TempDir(), "annex"), Version: "10"}
	k := keyOf([]byte("x"))
	object := filepath.Join(store.Dir, "objects", k.ObjectPath())
	os.MkdirAll(filepath.Dir(object), 0o755)
	os.WriteFile(object, []byte("x"), 0o444)
	cancel()
	if err := Drop(ctx, store, k, Proof{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, ok := store.Locate(k); !ok {
		t.Error("dropped")
	}
}

func TestNothingIsDroppedInAnotherAnnex(t *testing.T) {
	dir := t.TempDir()
	k := keyOf([]byte("x"))
	object := filepath.Join(dir, "real", "objects", k.ObjectPath())
	os.MkdirAll(filepath.Dir(object), 0o755)
	os.WriteFile(object, []byte("x"), 0o444)
	os.Symlink("real", filepath.Join(dir, "annex"))
	err := Drop(t.Context(), &local.Store{Dir: filepath.Join(dir, "annex"), Version: "10"}, k, Proof{})
	if _, serr := os.Stat(object); !errors.Is(err, local.ErrLinked) || serr != nil {
		t.Error(err, serr)
	}
}

// placed is a remote whose content lies in files of this machine.
type placed struct {
	fake
	path string
}

func (p *placed) Locate(annexkey.Key) (string, bool) { return p.path, true }

func TestTheSameFileIsNoSecondCopy(t *testing.T) {
	dir := t.TempDir()
	store := &local.Store{Dir: filepath.Join(dir, "annex"), Version: "10"}
	k := keyOf([]byte("x"))
	object := filepath.Join(store.Dir, "objects", k.ObjectPath())
	os.MkdirAll(filepath.Dir(object), 0o755)
	os.WriteFile(object, []byte("x"), 0o444)
	os.Symlink("annex", filepath.Join(dir, "link"))
	again := filepath.Join(dir, "link", "objects", k.ObjectPath())
	hard := filepath.Join(dir, "hard")
	drop := func(path string) error {
		r := &placed{fake{uuid: "a", present: []bool{true}}, path}
		return Drop(t.Context(), store, k, Proof{Need: 1, Ask: []remote.Remote{r}})
	}
	if err := drop(again); err == nil {
		t.Fatal("dropped the only copy")
	}
	os.Link(object, hard)
	if err := drop(again); err == nil {
		t.Fatal("dropped, and counted itself")
	}
	if err := drop(hard); err != nil {
		t.Error(err) // a hard link is a copy of its own
	}
}

// shelled is a remote whose program says nothing of use when the folder for
// unfinished content is missing.
type shelled struct{ fake }

func (s *shelled) Fetch(ctx context.Context, k annexkey.Key, dst string, h hash.Hash) error {
	if _, err := os.Stat(filepath.Dir(dst)); err != nil {
		return errors.New("it does not work")
	}
	return s.fake.Fetch(ctx, k, dst, h)
}

func TestFirstGetMakesTheFolderForItsProgram(t *testing.T) {
	a := newAnnex(t)
	os.RemoveAll(a.Dir("tmp"))
	content := []byte("content")
	g := &Getter{Annex: a}
	if _, err := g.Get(t.Context(), keyOf(content), []remote.Remote{&shelled{fake{uuid: "u", content: content}}}); err != nil {
		t.Error(err)
	}
}
