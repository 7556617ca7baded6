package crash

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stemma-data/stemma/test/crash/rig"
)

// filling is a dataset with unlocked files whose content comes and goes.
type filling struct {
	*rig.Repo
	rnd *rand.Rand
}

// way is a command that fills or empties all unlocked files.
type way struct {
	name  string
	fills bool
	args  []string
}

var fillWays = []way{
	{"get", true, []string{"stemma", "get", "."}},
	{"annex-get", true, []string{"stemma", "annex", "get", "."}},
	{"move-from", true, []string{"stemma", "annex", "move", "--from", "b", "."}},
	{"checkout", true, []string{"git", "checkout", "-q", "full"}},
	{"drop", false, []string{"stemma", "drop", "."}},
	{"annex-drop", false, []string{"stemma", "annex", "drop", "."}},
}

var fillFiles = []string{"one.bin", "two.bin", "x/three.bin", "x/four.bin"}

// A command that is killed while it fills or empties unlocked files leaves nothing
// in the work tree, and whoever comes next lets git's index know of the files that
// have changed: any command of ours, or git-annex.
func TestUnlockedFilesKilledAtEveryStep(t *testing.T) {
	rig.Need(t, "git-annex")
	for _, w := range fillWays {
		t.Run(w.name, func(t *testing.T) {
			f := newFilling(t)
			f.bring(w)
			total := f.kill(w, 0, rig.All)
			f.complete(w)
			for i, n := range chosen(t, f.rnd, total, 3) {
				f.bring(w)
				f.kill(w, n, rig.Victims(f.rnd.IntN(3)))
				t.Logf("killed at step %d of %d; noted: %q", n, total, f.notes())
				f.removeLocks()
				f.nothingLost()
				f.next(i%3, w)
				f.complete(w)
			}
			f.Write("more.txt", "a commit settles what was left of others\n")
			f.Save("-m", "more")
			f.Try("git", "annex", "fsck", "--fast", "--quiet") // the log may not know what a killed drop has deleted
			f.Check()
		})
	}
}

// next is the command that comes after the one that was killed.
func (f *filling) next(which int, w way) {
	f.T.Helper()
	switch which {
	case 0:
		f.Run(f.Bin, "status")
	case 1:
		f.Run("/usr/bin/git-annex", "restage")
	default:
		f.Run("git", "checkout", "-q", f.Git("branch", "--show-current")) // its hook
	}
	f.settled()
	if out, err := f.command(w).CombinedOutput(); err != nil {
		f.T.Fatalf("%v again: %v\n%s", w.args, err, out)
	}
}

// The notes about files that were filled are those of git-annex, and each program
// does what the other has left.
func TestRestageLogIsThatOfGitAnnex(t *testing.T) {
	rig.Need(t, "git-annex")
	f := newFilling(t)
	for _, w := range []way{fillWays[1], fillWays[5]} {
		var noted [2]string
		for i, program := range []string{f.Bin, "git"} {
			f.bring(w)
			cmd := f.Command(program, w.args[1:]...)
			_, ended, err := rig.KillWhen(cmd, func(int) bool { return strings.Count(f.notes(), "\n") == len(fillFiles) && f.swapped(w) }, rig.All)
			if err != nil || ended {
				t.Fatalf("%s %v: the moment did not come: %v", program, w.args, err)
			}
			noted[i] = f.notes()
			if want := f.states(); noted[i] != want {
				t.Errorf("%s %v has noted\n%s, the files are\n%s", program, w.args, noted[i], want)
			}
			f.removeLocks()
			if out := f.Git("status", "--porcelain"); strings.Count(out, "\n")+1 != len(fillFiles) {
				t.Errorf("before anybody comes, git says %q", out)
			}
			if program == "git" {
				f.Run(f.Bin, "status")
			} else {
				f.Run("/usr/bin/git-annex", "restage")
			}
			f.settled()
		}
	}
}

func newFilling(t *testing.T) *filling {
	w := rig.NewWorld(t, program)
	f := &filling{Repo: w.Dataset(t, "a"), rnd: random(t)}
	for _, name := range fillFiles {
		f.Write(name, rig.Binary(name, 5000))
	}
	f.Save("-m", "files")
	f.Git("checkout", "-q", "-b", "full")
	f.Run("git", "annex", "unlock", "--quiet", ".")
	if err := os.Chmod(filepath.Join(f.Dir, "x/four.bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	f.Git("commit", "-qam", "unlocked ones")
	f.Git("branch", "-f", "main", "HEAD^")
	b := filepath.Join(w.Root, "b")
	f.Git("clone", "-q", f.Dir, b)
	f.Git("-C", b, "annex", "init", "--quiet", "b")
	f.Git("remote", "add", "b", b)
	f.Git("-C", b, "annex", "get", "--quiet", ".")
	f.Run("git", "annex", "sync", "--quiet", "--no-push", "b")
	// git's hooks and filters are ours from here on.
	bin := filepath.Join(w.Root, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(f.Bin, filepath.Join(bin, "git-annex")); err != nil {
		t.Fatal(err)
	}
	f.Env = append(slices.Clone(f.Env), "PATH="+bin+":"+os.Getenv("PATH"))
	return f
}

func (f *filling) command(w way) *exec.Cmd {
	if w.args[0] == "git" {
		return f.Command("git", w.args[1:]...)
	}
	return f.Stemma(w.args[1:]...)
}

// annex runs the real git-annex.
func (f *filling) annex(args ...string) {
	f.T.Helper()
	f.Run("/usr/bin/git-annex", append(args, "--quiet")...)
}

// bring brings everything to where the way begins.
func (f *filling) bring(w way) {
	f.T.Helper()
	f.removeLocks()
	f.Git("checkout", "-q", "-f", "full")
	if w.name == "checkout" {
		f.annex("get", ".")
		f.Git("checkout", "-q", "main")
	} else if w.fills {
		f.annex("copy", "--to", "b", ".")
		f.annex("drop", ".")
	} else {
		f.annex("get", ".")
	}
	f.annex("restage")
	f.settled()
}

// kill kills the way at the n-th step after the content has come or begun to go; 0
// only counts.
func (f *filling) kill(w way, n int, who rig.Victims) (steps int) {
	f.T.Helper()
	_, ended, err := rig.KillWhen(f.command(w), func(int) bool {
		if steps > 0 || f.begun(w) {
			steps++
		}
		return n > 0 && steps == n
	}, who)
	if err != nil || n == 0 && !ended { // what is done at once takes more or fewer steps
		f.T.Fatalf("step %d, ended %v: %v", n, ended, err)
	}
	return steps
}

// begun reports whether files may be filled or emptied from now on.
func (f *filling) begun(w way) bool {
	if w.name == "checkout" {
		head, _ := os.ReadFile(filepath.Join(f.Dir, ".git/HEAD"))
		return strings.HasSuffix(string(head), "/full\n")
	}
	found, _ := filepath.Glob(filepath.Join(f.Dir, ".git/annex/objects/*/*/*/*"))
	return (len(found) >= len(fillFiles)) == w.fills
}

// swapped reports whether all files are as they are after the way.
func (f *filling) swapped(w way) bool {
	for _, name := range fillFiles {
		if fi, err := os.Stat(filepath.Join(f.Dir, name)); err != nil || (fi.Size() == 5000) != w.fills {
			return false
		}
	}
	return true
}

// notes is git-annex's log of files that the index may not know.
func (f *filling) notes() string {
	text, _ := os.ReadFile(filepath.Join(f.Dir, ".git/annex/restage.log"))
	old, _ := os.ReadFile(filepath.Join(f.Dir, ".git/annex/restage.old"))
	return string(text) + string(old)
}

// removeLocks is what users do after git or a writer of its index was killed.
func (f *filling) removeLocks() {
	out, _ := f.Try("find", filepath.Join(f.Dir, ".git"), "-name", "*.lock")
	for _, path := range strings.Fields(out) {
		os.Remove(path)
	}
}

// settled checks that git knows all files, and that nothing is left.
func (f *filling) settled() {
	f.T.Helper()
	if out := f.Git("status", "--porcelain"); out != "" {
		f.T.Fatalf("git status is not clean:\n%s", out)
	}
	if out := f.Git("diff-files", "--name-only"); out != "" {
		f.T.Fatalf("git's index does not know %s", out)
	}
	if notes := f.notes(); notes != "" {
		f.T.Fatalf("left in restage.log: %q", notes)
	}
}

// nothingLost checks that files have their content or are pointers, and that the
// work tree has no others.
func (f *filling) nothingLost() {
	f.T.Helper()
	for _, name := range fillFiles {
		text, err := os.ReadFile(filepath.Join(f.Dir, name))
		if err != nil || string(text) != rig.Binary(name, 5000) && !strings.HasPrefix(string(text), "/annex/objects/") {
			f.T.Fatalf("%s has %d bytes, %.30q, %v", name, len(text), text, err)
		}
	}
	if out := f.Git("ls-files", "--others", "--exclude-standard"); out != "" {
		f.T.Fatalf("in the work tree are %s", out)
	}
}

// complete checks that the same command again does what was left.
func (f *filling) complete(w way) {
	f.T.Helper()
	f.settled()
	for _, name := range fillFiles {
		text, err := os.ReadFile(filepath.Join(f.Dir, name))
		if err != nil || (string(text) == rig.Binary(name, 5000)) != w.fills {
			f.T.Fatalf("%s has %d bytes, %.30q, %v", name, len(text), text, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(f.Dir, ".git/annex/othertmp/.stemma-tmp-*")); len(left) > 0 {
		f.T.Fatalf("left: %v", left)
	}
}

// states are the lines about the files, as they are, in the order of the notes.
func (f *filling) states() string {
	f.T.Helper()
	var text strings.Builder
	for line := range strings.Lines(f.notes()) {
		_, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		fi, err := os.Lstat(filepath.Join(f.Dir, name))
		if err != nil {
			f.T.Fatal(err)
		}
		fraction := strings.TrimRight(fmt.Sprintf("%09d", fi.ModTime().Nanosecond()), "0")
		fmt.Fprintf(&text, "%d %d %d %s:%s\n", fi.Sys().(*syscall.Stat_t).Ino, fi.Size(), fi.ModTime().Unix(), fraction, name)
	}
	return text.String()
}
