package crash

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/test/crash/rig"
)

// A disk that fills up at any step of a finish: a clear error, nothing lost,
// and the same command completes when there is space.
func TestFinishDiskFull(t *testing.T) {
	top := mounted(t, "24M")
	squeeze(t, jobStoryOf(storyIn(t, top)), func(leave int64) func() { return fill(t, top, leave) }, "no space left", "out of diskspace", "disk is full")
}

// A quota that is used up, likewise.
func TestFinishQuota(t *testing.T) {
	top, limit := quotaMount(t)
	squeeze(t, jobStoryOf(storyIn(t, top)), limit, "quota exceeded", "quota used up", "out of diskspace", "disk is full")
}

// squeeze finishes jobs with more and more space left, from none on, in steps
// of a block, until one finish is enough; in full that is each block.
func squeeze(t *testing.T, s *jobStory, take func(leave int64) (free func()), words ...string) {
	t.Helper()
	rnd := random(t)
	failed, full := 0, rounds(t, 0) > 0
	for leave := int64(0); ; leave += 4 * nextStep(full, rnd) {
		if leave > 4096 {
			t.Fatalf("finish needs more than %d kB", leave)
		}
		s.round++
		s.batch(2)
		tip := s.Git("rev-parse", "HEAD")
		free := take(leave)
		out, err := s.Try(s.Bin, "finish")
		free()
		if err == nil {
			s.afterFinish("")
			break
		}
		failed++
		s.judgeFull(out, leave, words)
		if moved := s.Git("rev-parse", "HEAD") != tip; moved {
			t.Logf("%d kB left: failed after it had published: %s", leave, out)
		}
		if out, err := s.Try(s.Bin, "finish"); err != nil {
			t.Fatalf("%d kB left, then freed: %v\n%s", leave, err, out)
		}
		s.afterFinish("")
	}
	t.Logf("%d finishes found no space", failed)
	if failed == 0 {
		t.Error("there was always space")
	}
	s.Check()
}

// nextStep is by how many blocks the space grows: by one in full, by a few,
// at random, where it must be quick.
func nextStep(full bool, rnd *rand.Rand) int64 {
	if full {
		return 1
	}
	return 5 + rnd.Int64N(8)
}

// judgeFull checks that an error says what is wrong, and where.
func (s *jobStory) judgeFull(out string, leave int64, words []string) {
	s.T.Helper()
	lower, said := strings.ToLower(out), false
	for _, w := range words {
		said = said || strings.Contains(lower, w)
	}
	if !said || strings.Contains(lower, "panic") {
		s.T.Fatalf("%d kB left: the error does not say what is wrong:\n%s", leave, out)
	}
	if !strings.Contains(out, s.Dir) && !strings.Contains(out, "job0") {
		s.T.Fatalf("%d kB left: the error names no path:\n%s", leave, out)
	}
}

// quotaMount makes a file system with a quota on a folder. limit leaves some
// kilobytes there and returns what lifts the limit.
func quotaMount(t *testing.T) (folder string, limit func(leave int64) (lift func())) {
	t.Helper()
	rig.Need(t, "mkfs.btrfs", "btrfs")
	if os.Getuid() != 0 {
		t.Skip("mounting needs root")
	}
	dir := t.TempDir()
	image, top := filepath.Join(dir, "image"), filepath.Join(dir, "mnt")
	folder = filepath.Join(top, "limited")
	if err := os.Mkdir(top, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = exec.Command("umount", "-l", top).Run() })
	for _, args := range [][]string{{"truncate", "-s", "256M", image}, {"mkfs.btrfs", "-q", image}, {"mount", "-o", "loop", image, top},
		{"btrfs", "quota", "enable", top}, {"btrfs", "subvolume", "create", folder}} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Skipf("%v: %v\n%s", args, err, out)
		}
	}
	// The first subvolume has the number 256.
	set := func(bytes string) {
		t.Helper()
		if out, err := exec.Command("btrfs", "qgroup", "limit", bytes, "0/256", top).CombinedOutput(); err != nil {
			t.Fatalf("limit: %v\n%s", err, out)
		}
	}
	return folder, func(leave int64) func() {
		set(strconv.FormatInt(used(t, folder)+leave<<10, 10))
		return func() { set("none") }
	}
}

// used is how many bytes a folder with a quota has taken.
func used(t *testing.T, folder string) int64 {
	t.Helper()
	if out, err := exec.Command("btrfs", "filesystem", "sync", folder).CombinedOutput(); err != nil {
		t.Fatalf("sync: %v\n%s", err, out)
	}
	out, err := exec.Command("btrfs", "qgroup", "show", "--raw", "-F", folder).CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if f := strings.Fields(line); len(f) > 2 && strings.HasPrefix(f[0], "0/") {
			if n, err := strconv.ParseInt(f[1], 10, 64); err == nil {
				return n
			}
		}
	}
	t.Fatalf("qgroup show: %v\n%s", err, out)
	return 0
}
