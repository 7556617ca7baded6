package crash

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stemma-data/stemma/test/crash/rig"
)

// An update that git stops with conflicts, and that is killed at any moment and
// repeated, ends as `git merge` does without a kill.
func TestUpdateWithConflictsKilled(t *testing.T) {
	u := newUpdating(t, "merge", true)
	conflict := func() (like string) {
		u.next()
		u.writeUp("own.txt", fmt.Sprint("theirs", u.round))
		u.Run("git", "-C", u.up, "add", "own.txt")
		u.Run("git", "-C", u.up, "commit", "-q", "-m", "conflict")
		return u.mergedByGit()
	}
	like := conflict()
	total := u.countSteps(u.args...)
	u.stopsLike(like)
	conflict()
	moves := u.killMoving(0, u.args...)
	u.Git("merge", "--abort")
	if moves < 5 {
		t.Fatalf("git's way to the conflicts has %d steps", moves)
	}
	rnd := random(t)
	for i, n := range chosen(t, rnd, total, 3) {
		who := rig.Victims(rnd.IntN(3))
		like := conflict()
		if i%2 == 0 {
			u.killAt(n, who, u.args...)
		} else {
			who = rig.All
			u.killMoving(1+rnd.IntN(moves), u.args...)
		}
		u.againToConflict(who)
		u.stopsLike(like)
	}
	u.Check()
}

// What a user has written into a file after the kill stays: nothing is merged over
// it.
func TestEditAfterKilledMergeStays(t *testing.T) {
	u := newUpdating(t, "merge", true)
	u.next()
	u.Run(u.Bin, u.args...)
	u.next()
	steps := u.killMoving(0, u.args...)
	for n := 1; n < steps; n += 1 + steps/5 {
		u.next()
		u.killMoving(n, u.args...)
		u.removeGitLocks()
		path := filepath.Join(u.Dir, "up00.txt")
		if err := os.WriteFile(path, []byte("edited"), 0o644); err != nil {
			t.Fatal(err)
		}
		out, err := u.Stemma(u.args...).CombinedOutput()
		text, rerr := os.ReadFile(path)
		if rerr != nil || string(text) != "edited" {
			t.Fatalf("killed at step %d, the edited file is %q, %v: %v\n%s", n, text, rerr, err, out)
		}
		u.Git("checkout", "-q", "HEAD", "--", "up00.txt")
		u.again(rig.All)
	}
}

// mergedByGit lets git merge in a copy, and describes what comes of it.
func (u *updating) mergedByGit() string {
	u.T.Helper()
	other := &updating{story: &story{Repo: &rig.Repo{World: u.World, T: u.T, Dir: filepath.Join(u.Root, "copy")}}}
	u.Run("rm", "-rf", other.Dir)
	u.Run("cp", "-a", u.Dir, other.Dir)
	other.Git("fetch", "-q", "up")
	other.Git("update-index", "-q", "--really-refresh") // the files are others to git
	if out, _ := other.Try("git", "merge", "--no-edit", "up/main"); !strings.Contains(out, "fix conflicts") {
		u.T.Fatalf("git has not stopped at conflicts: %s", out)
	}
	return other.merging()
}

// merging describes a merge that git has stopped: the index, what the work tree has
// besides, what git knows of the merge.
func (u *updating) merging() (text string) {
	u.T.Helper()
	for _, args := range [][]string{{"ls-files", "-s"}, {"status", "--porcelain"}, {"diff"}} {
		text += u.Git(args...) + "\n"
	}
	for _, name := range []string{"MERGE_HEAD", "MERGE_MSG", "MERGE_MODE"} {
		content, err := os.ReadFile(filepath.Join(u.Dir, ".git", name))
		text += fmt.Sprintf("%s: %s, %v\n", name, content, err == nil)
	}
	return text
}

// stopsLike checks that the merge is as it must be, and gives it up.
func (u *updating) stopsLike(want string) {
	u.T.Helper()
	if got := u.merging(); got != want {
		u.T.Fatalf("round %d: the merge has come to\n%s\nwant\n%s", u.round, got, want)
	}
	u.Git("merge", "--abort")
	u.notMerging()
}

// againToConflict repeats the command until there are conflicts: a git process may
// have outlived it, or left locks.
func (u *updating) againToConflict(who rig.Victims) {
	u.T.Helper()
	if who != rig.Main {
		u.removeGitLocks()
	}
	for i := range 5 {
		if out, err := u.Stemma(u.args...).CombinedOutput(); err == nil {
			u.T.Fatalf("round %d: merged: %s", u.round, out)
		} else if u.Git("ls-files", "-u") != "" {
			return
		} else if i == 3 {
			u.removeGitLocks()
		} else if i == 4 {
			u.T.Fatalf("round %d: no conflicts: %s", u.round, out)
		}
		time.Sleep(500 * time.Millisecond)
	}
}
