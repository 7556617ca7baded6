package local

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/remote"
)

var key = annexkey.Key{Backend: "SHA256", Size: 5, MTime: -1, ChunkSize: -1, ChunkNum: -1, Name: "abc"}

// newStore makes a store that has the key, protected as git-annex does.
func newStore(t *testing.T) (*Store, string) {
	t.Helper()
	s := &Store{Dir: filepath.Join(t.TempDir(), "annex"), Version: "10"}
	object := filepath.Join(s.Dir, "objects", key.ObjectPath())
	if err := os.MkdirAll(filepath.Dir(object), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(object, []byte("hello"), 0o444); err != nil {
		t.Fatal(err)
	}
	os.Chmod(filepath.Dir(object), 0o555)
	t.Cleanup(func() { exec.Command("chmod", "-R", "u+w", s.Dir).Run() })
	return s, object
}

func TestLocksExcludeEachOther(t *testing.T) {
	s, object := newStore(t)
	locksExcludeEachOther(t, s, object)
}

func TestLocksExcludeEachOtherCarried(t *testing.T) {
	s, object := newStore(t)
	done := s.Carry()
	locksExcludeEachOther(t, s, object)
	done()
	if left, _ := os.ReadDir(filepath.Join(s.Dir, "othertmp")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func locksExcludeEachOther(t *testing.T, s *Store, object string) {
	a, err := s.Share(key)
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.Share(key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Exclude(key); !errors.Is(err, remote.ErrBusy) {
		t.Errorf("exclusive beside shared: %v", err)
	}
	a.Release()
	if err := b.Held(); err != nil {
		t.Errorf("the other lock: %v", err)
	}
	b.Release()
	x, err := s.Exclude(key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Share(key); !errors.Is(err, remote.ErrBusy) {
		t.Errorf("shared beside exclusive: %v", err)
	}
	if _, err := s.Present(key); !errors.Is(err, remote.ErrBusy) {
		t.Errorf("present while it is being dropped: %v", err)
	}
	x.Release()
	if ok, err := s.Present(key); !ok || err != nil {
		t.Errorf("present: %v %v", ok, err)
	}
	if exists(object + ".lck") {
		t.Error("lock file left")
	}
	if fi, _ := os.Stat(filepath.Dir(object)); fi.Mode().Perm() != 0o555 {
		t.Errorf("folder %v", fi.Mode())
	}
}

func TestRemovePrunes(t *testing.T) {
	s, object := newStore(t)
	removePrunes(t, s, object, func() {})
}

func TestRemovePrunesCarried(t *testing.T) {
	s, object := newStore(t)
	done := s.Carry()
	removePrunes(t, s, object, done)
	if left, _ := os.ReadDir(filepath.Join(s.Dir, "othertmp")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func removePrunes(t *testing.T, s *Store, object string, done func()) {
	x, err := s.Exclude(key)
	if err != nil {
		t.Fatal(err)
	}
	if err := x.Remove(); err != nil {
		t.Fatal(err)
	}
	done()
	second := filepath.Dir(filepath.Dir(object))
	if exists(second) || !exists(filepath.Dir(second)) {
		t.Error("hash folders: the second goes, the first stays")
	}
	if _, err := s.Share(key); !errors.Is(err, remote.ErrAbsent) {
		t.Errorf("share: %v", err)
	}
	if ok, err := s.Present(key); ok || err != nil {
		t.Errorf("present: %v %v", ok, err)
	}
}

func TestRetentionAndOldVersions(t *testing.T) {
	s, object := newStore(t)
	os.Chmod(filepath.Dir(object), 0o755)
	os.WriteFile(object+".rtm", []byte(strconv.FormatInt(BootClock()+99999, 10)), 0o644)
	if l, err := s.Exclude(key); err != nil {
		t.Errorf("a promise from before the machine was started: %v", err)
	} else {
		l.Release()
	}
	os.WriteFile(object+".rtm", []byte(strconv.FormatInt(BootClock()+300, 10)), 0o644)
	if _, err := s.Exclude(key); !errors.Is(err, remote.ErrBusy) {
		t.Errorf("retained: %v", err)
	}
	if l, err := s.Share(key); err != nil {
		t.Errorf("share: %v", err)
	} else {
		l.Release()
	}
	s.Version = "8"
	if _, err := s.Share(key); !errors.Is(err, remote.ErrNoLock) {
		t.Errorf("version 8: %v", err)
	}
	if ok, err := s.Present(key); !ok || err != nil {
		t.Errorf("version 8 present: %v %v", ok, err)
	}
	s.Version, s.PidLock = "10", true
	if ok, err := s.Present(key); !ok || err != nil {
		t.Errorf("pidlock: %v %v", ok, err)
	}
	os.WriteFile(filepath.Join(s.Dir, "pidlock"), nil, 0o644)
	if _, err := s.Present(key); !errors.Is(err, remote.ErrBusy) {
		t.Errorf("pidlock held: %v", err)
	}
}

func TestUnsafeKeysAndLinksAreNowhere(t *testing.T) {
	s, object := newStore(t)
	bad := key
	bad.Name = "x\ny"
	if _, ok := s.Locate(bad); ok {
		t.Error("unsafe key located")
	}
	os.Chmod(filepath.Dir(object), 0o755)
	os.Remove(object)
	os.Symlink("/etc/passwd", object)
	if _, ok := s.Locate(key); ok {
		t.Error("a symlink taken for content")
	}
}

// TestReadOnlyStore: a store that we may read but not write.
func TestReadOnlyStore(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root to become somebody else")
	}
	s, object := newStore(t)
	for dir := filepath.Dir(object); dir != "/" && dir != os.TempDir(); dir = filepath.Dir(dir) {
		os.Chmod(dir, 0o755)
	}
	os.Chmod(filepath.Dir(object), 0o555)
	cmd := exec.Command(os.Args[0], "-test.run=TestHelperReadOnly", "-test.v")
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), "STEMMA_TEST_READONLY="+s.Dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	if out, err := cmd.CombinedOutput(); err != nil {
		if errors.Is(err, os.ErrPermission) {
			t.Skip("the test binary is not readable for others")
		}
		t.Errorf("%v\n%s", err, out)
	}
}

func TestHelperReadOnly(t *testing.T) {
	dir := os.Getenv("STEMMA_TEST_READONLY")
	if dir == "" {
		t.Skip("run by TestReadOnlyStore")
	}
	s := &Store{Dir: dir, Version: "10"}
	if _, err := s.Share(key); !errors.Is(err, remote.ErrNoLock) {
		t.Errorf("share: %v", err)
	}
	if ok, err := s.Present(key); !ok || err != nil {
		t.Errorf("present: %v %v", ok, err)
	}
}
