package crash

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stemma-data/stemma/test/crash/rig"
)

// mounted makes a small file system in a folder of the test's own.
func mounted(t *testing.T, size string) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("mounting needs root")
	}
	dir := t.TempDir()
	image, top := filepath.Join(dir, "image"), filepath.Join(dir, "mnt")
	if err := os.Mkdir(top, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"truncate", "-s", size, image}, {"mkfs.ext4", "-q", "-N", "4000", image}, {"mount", "-o", "loop", image, top}} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Skipf("%v: %v\n%s", args, err, out)
		}
	}
	t.Cleanup(func() { _ = exec.Command("umount", "-l", top).Run() })
	return top
}

// fill takes the space of a file system but for some kilobytes. It returns a
// function that gives it back.
func fill(t *testing.T, top string, leave int64) func() {
	t.Helper()
	path := filepath.Join(top, "ballast")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	size := int64(0)
	for _, step := range []int64{1 << 20, 4096} {
		for syscall.Fallocate(int(f.Fd()), 0, size, step) == nil {
			size += step
		}
	}
	if err := f.Truncate(max(size-leave*1024, 0)); err != nil {
		t.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

// storyIn is newStory on a file system of its own; the home lies elsewhere.
func storyIn(t *testing.T, top string) *story {
	rig.Need(t, "git", "git-annex")
	w := rig.NewWorld(t, program)
	w.Root = top
	s := &story{Repo: w.Dataset(t, "ds"), want: map[string]string{}}
	s.write("keep/text.txt", "kept\n")
	s.write("keep/data.bin", rig.Binary("kept", 3000))
	s.write("again.txt", "0\n")
	s.write("again.bin", rig.Binary("again", 2000))
	s.Save("-m", "base")
	return s
}

// A disk that is full at any stage of a save: a clear error, nothing lost, and
// the same command completes when there is space.
func TestDiskFull(t *testing.T) {
	top := mounted(t, "24M")
	s := storyIn(t, top)
	failed := 0
	for _, leave := range []int64{0, 4, 8, 16, 24, 32, 48, 64, 96, 128} {
		s.change()
		s.write(fmt.Sprintf("r%03d/long.txt", s.round), strings.Repeat("random enough "+fmt.Sprint(s.round)+"\n", 100))
		before := s.commits()
		free := fill(t, top, leave)
		out, err := s.Try(s.Bin, "save", "-m", fmt.Sprintf("round %d", s.round))
		if err != nil {
			failed++
			words := strings.ToLower(out)
			if !strings.Contains(words, "no space left") && !strings.Contains(words, "out of diskspace") { // as git says it
				t.Fatalf("%d kB left: the error does not say what is wrong:\n%s", leave, out)
			}
			if !strings.Contains(out, s.Dir) && !strings.Contains(out, fmt.Sprintf("r%03d", s.round)) {
				t.Fatalf("%d kB left: the error names no path:\n%s", leave, out)
			}
			if strings.Contains(out, "panic") {
				t.Fatalf("%s", out)
			}
		}
		free()
		s.afterSave(before, false)
	}
	t.Logf("%d of 10 saves found the disk full", failed)
	if failed == 0 {
		t.Error("the disk was never full")
	}
	s.Check()
}

// asUser runs the program as somebody who is not root.
func (s *story) asUser(cmd *exec.Cmd) *exec.Cmd {
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	return cmd
}

// openTo lets other users come to the world's folders and the program.
func (s *story) openTo(t *testing.T) {
	t.Helper()
	for dir := s.Root; dir != "/" && dir != os.TempDir(); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Dir(program), 0o755); err != nil {
		t.Fatal(err)
	}
}

// A repository that belongs to somebody else is refused as git refuses it.
func TestForeignRepository(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("becoming another user needs root")
	}
	s := newStory(t)
	s.openTo(t)
	for _, args := range [][]string{{"save"}, {"status"}, {"save", "again.txt"}} {
		out, err := s.asUser(s.Stemma(args...)).CombinedOutput()
		if err == nil || !strings.Contains(string(out), "dubious ownership") {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
		theirs, err := s.asUser(s.Command("git", "status")).CombinedOutput()
		if err == nil || !strings.Contains(string(theirs), "dubious ownership") {
			t.Errorf("git itself: %v\n%s", err, theirs)
		}
	}
	s.verify()
}

// A read-only file system: an error that says so, and the next save works.
func TestReadOnlyFileSystem(t *testing.T) {
	top := mounted(t, "16M")
	s := storyIn(t, top)
	s.change()
	remount := func(mode string) {
		t.Helper()
		if out, err := exec.Command("mount", "-o", "remount,"+mode, top).CombinedOutput(); err != nil {
			t.Fatalf("%v %s", err, out)
		}
	}
	before := s.commits()
	remount("ro")
	out, err := s.Try(s.Bin, "save", "-m", "ro")
	if err == nil || !strings.Contains(strings.ToLower(out), "read-only file system") || !strings.Contains(out, s.Dir) {
		t.Errorf("save: %v\n%s", err, out)
	}
	if out, err := s.Try(s.Bin, "status"); err != nil {
		t.Errorf("status: %v\n%s", err, out)
	}
	remount("rw")
	s.afterSave(before, false)
	s.Check()
}

// Folders that may not be written to, as of a colleague's dataset.
func TestReadOnlyDataset(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("becoming another user needs root")
	}
	s := newStory(t)
	s.openTo(t)
	s.change()
	config := filepath.Join(s.Root, "home", ".gitconfig")
	trust := exec.Command("git", "config", "-f", config, "safe.directory", s.Dir)
	if out, err := trust.CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	out, err := s.asUser(s.Stemma("save", "-m", "not mine")).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "permission denied") || !strings.Contains(string(out), s.Dir) {
		t.Errorf("save: %v\n%s", err, out)
	}
	before := s.commits()
	s.afterSave(before, false)
	s.Check()
}

// Without a name git makes no commits; nothing is touched before that is said.
func TestNoIdentity(t *testing.T) {
	s := newStory(t)
	s.change()
	config := filepath.Join(s.Root, "home", ".gitconfig")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, []byte("[user]\n\tuseConfigOnly = true\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	before := s.commits()
	out, err := s.Try(s.Bin, "save", "-m", "nobody")
	if err == nil || !strings.Contains(out, "user.name") && !strings.Contains(out, "user.email") {
		t.Errorf("save: %v\n%s", err, out)
	}
	if s.commits() != before {
		t.Error("a commit was made")
	}
	if err := os.WriteFile(config, text, 0o644); err != nil {
		t.Fatal(err)
	}
	s.afterSave(before, false)
	s.Check()
}

// Somebody's index.lock is waited for.
func TestForeignIndexLockIsWaitedFor(t *testing.T) {
	s := newStory(t)
	s.change()
	lock := filepath.Join(s.Dir, ".git", "index.lock")
	if err := os.WriteFile(lock, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	before := s.commits()
	time.AfterFunc(time.Second, func() { os.Remove(lock) })
	start := time.Now()
	s.Save("-m", "waited")
	if took := time.Since(start); took < 900*time.Millisecond || took > 15*time.Second {
		t.Errorf("it took %v", took)
	}
	if made := s.commits() - before; made != 1 {
		t.Errorf("%d commits", made)
	}
	s.verify()
}

// One that does not go away is named, and never removed.
func TestForeignIndexLockIsNamed(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for half a minute")
	}
	s := newStory(t)
	s.change()
	lock := filepath.Join(s.Dir, ".git", "index.lock")
	if err := os.WriteFile(lock, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	before := s.commits()
	out, err := s.Try(s.Bin, "save", "-m", "in vain")
	if err == nil || !strings.Contains(out, lock) {
		t.Errorf("save: %v\n%s", err, out)
	}
	if _, err := os.Stat(lock); err != nil {
		t.Error("a foreign lock was removed")
	}
	if s.commits() != before {
		t.Error("published in spite of the lock")
	}
	if err := os.Remove(lock); err != nil {
		t.Fatal(err)
	}
	s.afterSave(before, false)
	s.Check()
}
