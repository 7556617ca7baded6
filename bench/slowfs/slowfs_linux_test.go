package slowfs

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stemma-data/stemma/test/crash/rig"
	"golang.org/x/sys/unix"
)

const serveVar = "STEMMA_TEST_SLOWFS"

var program string

func TestMain(m *testing.M) {
	if os.Getenv(serveVar) != "" {
		if err := Serve(os.Args[1:], os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// mounted shows a new folder through the profile.
func mounted(t *testing.T, profile string) (*Child, string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root may mount")
	}
	if _, err := os.Stat("/dev/fuse"); err != nil {
		t.Skip("there is no /dev/fuse")
	}
	exe, err := os.Executable()
	must(t, err)
	backing, mount := t.TempDir(), t.TempDir()
	cmd := exec.Command(exe, "-profile", profile, "-seed", "7", backing, mount)
	cmd.Env = append(os.Environ(), serveVar+"=1")
	c, err := StartChild(cmd)
	must(t, err)
	t.Cleanup(func() { must(t, c.Close()) })
	return c, mount
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func want(t testing.TB, err, wanted error) {
	t.Helper()
	if !errors.Is(err, wanted) {
		t.Errorf("got %v, want %v", err, wanted)
	}
}

func TestFileSystemIsCorrect(t *testing.T) {
	_, dir := mounted(t, "local")
	at := func(name string) string { return filepath.Join(dir, name) }
	must(t, os.WriteFile(at("a"), []byte("one"), 0o640))
	must(t, os.Link(at("a"), at("b")))
	must(t, os.WriteFile(at("b"), []byte("two!"), 0o640))
	must(t, os.Remove(at("a")))
	text, err := os.ReadFile(at("b"))
	must(t, err)
	if string(text) != "two!" {
		t.Errorf("hard link: %q", text)
	}
	must(t, os.Symlink("nowhere", at("l")))
	if target, err := os.Readlink(at("l")); target != "nowhere" || err != nil {
		t.Error(target, err)
	}
	_, err = os.OpenFile(at("b"), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	want(t, err, fs.ErrExist)
	want(t, os.Link(at("b"), at("l")), fs.ErrExist)
	must(t, os.MkdirAll(at("d/e"), 0o755))
	want(t, os.Remove(at("d")), syscall.ENOTEMPTY)
	must(t, os.Rename(at("b"), at("d/e/b")))
	must(t, os.Rename(at("d"), at("x")))
	must(t, os.WriteFile(at("over"), []byte("old"), 0o644))
	held, err := os.Open(at("over"))
	must(t, err)
	defer held.Close()
	must(t, os.Rename(at("x/e/b"), at("over")))
	if text, err = os.ReadFile(at("over")); string(text) != "two!" || err != nil {
		t.Errorf("renamed over: %q %v", text, err)
	}
	old := make([]byte, 3)
	if _, err := held.Read(old); string(old) != "old" || err != nil {
		t.Errorf("the replaced file, still open: %q %v", old, err)
	}
	want(t, unix.Renameat2(unix.AT_FDCWD, at("over"), unix.AT_FDCWD, at("l"), unix.RENAME_NOREPLACE), fs.ErrExist)
	when := time.Unix(1_600_000_000, 123_000_000)
	must(t, os.Chtimes(at("over"), when, when))
	must(t, os.Chmod(at("over"), 0o400))
	fi, err := os.Stat(at("over"))
	must(t, err)
	if !fi.ModTime().Equal(when) || fi.Mode().Perm() != 0o400 {
		t.Errorf("%v %v", fi.ModTime(), fi.Mode())
	}
	var st unix.Statfs_t
	must(t, unix.Statfs(dir, &st))
	if st.Bavail == 0 {
		t.Error("statfs: no space")
	}
	checkSync(t, at("s"))
}

func checkSync(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	must(t, err)
	defer f.Close()
	_, err = f.WriteString("x")
	must(t, errors.Join(err, f.Sync(), f.Truncate(0)))
	folder, err := os.Open(filepath.Dir(path))
	must(t, err)
	defer folder.Close()
	must(t, folder.Sync())
	// There are no reflinks: programs must fall back to copying.
	if err := unix.IoctlFileClone(int(f.Fd()), int(folder.Fd())); err == nil {
		t.Error("a reflink of a folder")
	}
}

func TestLocks(t *testing.T) {
	_, dir := mounted(t, "local")
	path := filepath.Join(dir, "lock")
	must(t, os.WriteFile(path, nil, 0o644))
	one, err := os.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	defer one.Close()
	two, err := os.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	defer two.Close()
	must(t, syscall.Flock(int(one.Fd()), syscall.LOCK_EX))
	want(t, syscall.Flock(int(two.Fd()), syscall.LOCK_EX|syscall.LOCK_NB), syscall.EWOULDBLOCK)
	must(t, syscall.Flock(int(one.Fd()), syscall.LOCK_UN))
	must(t, syscall.Flock(int(two.Fd()), syscall.LOCK_EX|syscall.LOCK_NB))
	lock := unix.Flock_t{Type: unix.F_WRLCK}
	must(t, unix.FcntlFlock(one.Fd(), unix.F_OFD_SETLK, &lock))
	want(t, unix.FcntlFlock(two.Fd(), unix.F_OFD_SETLK, &lock), syscall.EAGAIN)
}

// TestOneCreatorWins: O_EXCL decides among many.
func TestOneCreatorWins(t *testing.T) {
	_, dir := mounted(t, "gpfs")
	for round := range 20 {
		var wg sync.WaitGroup
		var mu sync.Mutex
		won := 0
		for range 16 {
			wg.Go(func() {
				f, err := os.OpenFile(filepath.Join(dir, fmt.Sprint(round)), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
				if err == nil {
					f.Close()
					mu.Lock()
					won++
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if won != 1 {
			t.Errorf("%d creators", won)
		}
	}
}

func TestOperationsAreCounted(t *testing.T) {
	c, dir := mounted(t, "local")
	must(t, os.MkdirAll(filepath.Join(dir, "a/b"), 0o755))
	must(t, os.WriteFile(filepath.Join(dir, "a/b/f"), nil, 0o644))
	_, err := c.Since()
	must(t, err)
	for range 3 {
		_, err := os.Lstat(filepath.Join(dir, "a/b/f"))
		must(t, err)
	}
	n, err := c.Since()
	must(t, err)
	if n[Lookup] != 9 || n.Paths() != 3 || n.Metadata() != 12 {
		t.Errorf("three looks at a/b/f: %v", n)
	}
	must(t, os.Remove(filepath.Join(dir, "a/b/f")))
	if n, err = c.Since(); n[Unlink] != 1 || err != nil {
		t.Errorf("remove: %v %v", n, err)
	}
}

// TestLatencies draws, without waiting.
func TestLatencies(t *testing.T) {
	p, err := ByName("lustre")
	must(t, err)
	one, two := newClock(p, 3), newClock(p, 3)
	var all []float64
	slowest := 0
	for range 20_000 {
		d := one.draw(Stat)
		if d != two.draw(Stat) {
			t.Fatal("the seed does not decide")
		}
		if all = append(all, d.Seconds()*1e3); d > 5*ms {
			slowest++
		}
	}
	slices.Sort(all)
	if m := all[len(all)/2]; math.Abs(m-0.5) > 0.02 {
		t.Errorf("median %v ms", m)
	}
	if slowest < 100 || slowest > 300 {
		t.Errorf("%d of 20,000 are slow", slowest)
	}
	if _, err := ByName("afs"); err == nil {
		t.Error("an unknown profile")
	}
}

func TestStatCache(t *testing.T) {
	c := newStatCache(2)
	for i, step := range []struct {
		ino uint64
		hit bool
	}{{1, false}, {2, false}, {1, true}, {3, false}, {2, false}, {3, true}} {
		if got := c.hit(step.ino); got != step.hit {
			t.Errorf("step %d: inode %d: %v", i, step.ino, got)
		}
	}
}

// TestWorkOnIt runs git and the whole life of a job on the file system; with
// STEMMA_SOAK also on the slow ones.
func TestWorkOnIt(t *testing.T) {
	rig.Need(t, "git")
	profiles := []string{"local"}
	if os.Getenv("STEMMA_SOAK") != "" {
		profiles = Names()
	}
	for _, profile := range profiles {
		t.Run(profile, func(t *testing.T) {
			c, dir := mounted(t, profile)
			if program == "" {
				var err error
				program, err = rig.Build(buildDir(t))
				must(t, err)
			}
			w := rig.WorldAt(t, program, t.TempDir())
			w.Root = dir
			r := w.Dataset(t, "ds")
			r.Write("plain.txt", "text\n")
			r.Git("add", "plain.txt")
			r.Git("commit", "-q", "-m", "by git")
			r.Write("job.sh", "#!/bin/sh\nmkdir -p out && echo text > out/a.txt && printf 'bin\\000\\001' > out/b.bin\n")
			r.Save("-m", "script")
			r.Run(r.Bin, "schedule", "-o", "out/a.txt", "-o", "out/b.bin", "sbatch job.sh")
			for end := time.Now().Add(time.Minute); strings.Contains(r.Run(r.Bin, "jobs", "--open"), "ING"); {
				if time.Now().After(end) {
					t.Fatal("the job does not end")
				}
				time.Sleep(50 * time.Millisecond)
			}
			_, err := c.Since()
			must(t, err)
			r.Run(r.Bin, "finish")
			n, err := c.Since()
			must(t, err)
			t.Logf("finish: %v", n)
			r.CheckQuick()
			if out := r.Git("log", "-1", "--format=%s"); !strings.Contains(out, "Slurm job") {
				t.Errorf("the last commit: %s", out)
			}
			r.Git("fsck", "--strict", "--no-progress", "--no-dangling")
		})
	}
}

func buildDir(t *testing.T) string {
	dir, err := os.MkdirTemp("", "slowfs-test-")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir); program = "" })
	return dir
}
