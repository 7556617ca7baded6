package local

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/remote"
)

// other is another process that locks the same content.
type other struct {
	t   *testing.T
	in  io.Writer
	out *bufio.Reader
}

func newOther(t *testing.T, s *Store) *other {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=TestHelperOther")
	cmd.Env = append(os.Environ(), "STEMMA_TEST_OTHER="+s.Dir)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); _ = cmd.Wait() })
	return &other{t, in, bufio.NewReader(out)}
}

// do asks for share, exclude, release, held or remove, and returns "ok" or what
// was wrong.
func (o *other) do(what string) string {
	o.t.Helper()
	if _, err := io.WriteString(o.in, what+"\n"); err != nil {
		o.t.Fatal(err)
	}
	line, err := o.out.ReadString('\n')
	if err != nil {
		o.t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

func TestHelperOther(t *testing.T) {
	dir := os.Getenv("STEMMA_TEST_OTHER")
	if dir == "" {
		t.Skip("run by other tests")
	}
	s := &Store{Dir: dir, Version: "10"}
	var l *ContentLock
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var err error
		switch lines.Text() {
		case "share":
			l, err = s.Share(key)
		case "exclude":
			l, err = s.Exclude(key)
		case "held":
			err = l.Held()
		case "remove":
			err = l.Remove()
		case "release":
			l.Release()
		}
		if err == nil {
			err = errors.New("ok")
		}
		os.Stdout.WriteString(err.Error() + "\n")
	}
}

// What is locked by a carrier is locked for every other process, and what
// another process relies on is not taken away from it.
func TestCarriedLocksAmongProcesses(t *testing.T) {
	s, object := newStore(t)
	o := newOther(t, s)
	want := func(what, outcome string) {
		t.Helper()
		if got := o.do(what); !strings.Contains(got, outcome) {
			t.Fatalf("%s: %s, want %s", what, got, outcome)
		}
	}
	done := s.Carry()
	defer done()
	second := annexkey.Key{Backend: "SHA256", Size: 5, MTime: -1, ChunkSize: -1, ChunkNum: -1, Name: "def"}
	two := filepath.Join(s.Dir, "objects", second.ObjectPath())
	os.MkdirAll(filepath.Dir(two), 0o755)
	os.WriteFile(two, []byte("hello"), 0o444)

	mine, err := s.Share(key)
	if err != nil {
		t.Fatal(err)
	}
	want("exclude", remote.ErrBusy.Error())
	want("share", "ok")
	mine.Release()
	if !exists(lockPath(object)) {
		t.Fatal("the lock file of somebody who shares it is gone")
	}
	want("held", "ok")
	if _, err := s.Exclude(key); !errors.Is(err, remote.ErrBusy) {
		t.Fatalf("exclusive beside another process: %v", err)
	}
	x, err := s.Exclude(second)
	if err != nil {
		t.Fatal(err)
	}
	want("held", "ok")
	want("release", "ok")
	if exists(lockPath(object)) {
		t.Error("lock file left")
	}
	if err := x.Remove(); err != nil || exists(filepath.Dir(two)) {
		t.Errorf("remove: %v", err)
	}
	if x, err = s.Exclude(key); err != nil {
		t.Fatal(err)
	}
	want("share", remote.ErrBusy.Error())
	x.Release()
	want("exclude", "ok")
	want("remove", "ok")
	if _, err := s.Share(key); !errors.Is(err, remote.ErrAbsent) {
		t.Errorf("share of what is gone: %v", err)
	}
	done()
	if left, _ := os.ReadDir(filepath.Join(s.Dir, "othertmp")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// Content in the less usual layout is locked as well, and what is nowhere is not
// taken for content because its folder is there.
func TestCarriedLocksInBothLayouts(t *testing.T) {
	s, object := newStore(t)
	lower := filepath.Join(s.Dir, "objects", key.ObjectPathLower())
	if err := errors.Join(os.MkdirAll(filepath.Dir(lower), 0o755), os.Rename(object, lower)); err != nil {
		t.Fatal(err)
	}
	defer s.Carry()()
	for _, lock := range []func(annexkey.Key) (*ContentLock, error){s.Share, s.Exclude} {
		l, err := lock(key)
		if err != nil {
			t.Fatal(err)
		}
		if path, _ := l.Object(); path != lower || !exists(lockPath(lower)) {
			t.Errorf("locked %s", path)
		}
		l.Release()
		if exists(lockPath(lower)) || exists(lockPath(object)) {
			t.Error("lock file left")
		}
	}
	if err := os.Remove(lower); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Exclude(key); !errors.Is(err, remote.ErrAbsent) {
		t.Errorf("nothing is here: %v", err)
	}
}
