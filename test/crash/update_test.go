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

// An update that is killed at any moment and repeated brings the branch and all
// files to what the sibling has, or, with commits of its own, to one merge; the
// user has nothing to do but to remove the lock that a killed git has left.
func TestUpdateKilled(t *testing.T) {
	for _, c := range []struct {
		how string
		own bool
	}{{"merge", false}, {"reset", false}, {"merge", true}} {
		t.Run(fmt.Sprintf("%s, own commits %v", c.how, c.own), func(t *testing.T) {
			u := newUpdating(t, c.how, c.own)
			u.next()
			total := u.countSteps(u.args...)
			rnd := random(t)
			for _, n := range chosen(t, rnd, total, 3) {
				u.next()
				who := rig.Victims(rnd.IntN(3))
				u.killAt(n, who, u.args...)
				u.again(who)
			}
			for i, moves := 0, u.movingSteps(); i < 3; i++ {
				u.next()
				u.killMoving(1+rnd.IntN(moves), u.args...)
				u.again(rig.All)
			}
			u.Check()
		})
	}
}

// updating is a dataset whose sibling has something new each round.
type updating struct {
	*story
	up     string
	own    bool // and so has the dataset itself
	args   []string
	merges int
}

// middle keeps two changes of one file apart.
var middle = strings.Repeat("line\n", 20)

func newUpdating(t *testing.T, how string, own bool) *updating {
	u := &updating{story: newStory(t), own: own, args: []string{"update", "-s", "up", "--how", how}}
	u.up = filepath.Join(u.Root, "up")
	u.write("both.txt", "first\n"+middle+"last\n")
	u.Save()
	u.Run("git", "clone", "-q", u.Dir, u.up)
	u.Git("remote", "add", "up", u.up)
	u.Git("config", "remote.up.annex-ignore", "true")
	u.Git("config", "core.hooksPath", "/dev/null") // git-annex's is another matter
	return u
}

// next makes a round: changed files, others that take the place of those of the
// last round, and, with own commits, two changes of one file.
func (u *updating) next() {
	u.T.Helper()
	u.round++
	for i := range 20 {
		name := fmt.Sprintf("up%02d.txt", i)
		u.want[name] = fmt.Sprintf("%d of round %d\n", i, u.round)
		if i%2 > 0 {
			delete(u.want, name)
			name = fmt.Sprintf("up%02d-%03d.txt", i, u.round)
			u.want[name] = name
			if u.round > 1 {
				old := fmt.Sprintf("up%02d-%03d.txt", i, u.round-1)
				delete(u.want, old)
				u.Run("rm", filepath.Join(u.up, old))
			}
		}
		u.writeUp(name, u.want[name])
	}
	if u.own {
		u.merges++
		ours, theirs := fmt.Sprintf("ours %d\n", u.round), fmt.Sprintf("theirs %d\n", u.round)
		_, rest, _ := strings.Cut(u.want["both.txt"], "\n")
		u.writeUp("both.txt", "first\n"+middle+theirs)
		u.write("both.txt", ours+rest)
		u.write("own.txt", ours)
		u.Save("-m", "own")
		u.want["both.txt"] = ours + middle + theirs
	}
	u.Run("git", "-C", u.up, "add", "-A")
	u.Run("git", "-C", u.up, "commit", "-q", "-m", "more")
}

func (u *updating) writeUp(name, text string) {
	u.T.Helper()
	if err := os.WriteFile(filepath.Join(u.up, name), []byte(text), 0o644); err != nil {
		u.T.Fatal(err)
	}
}

// again repeats the command, and checks that it has done all.
func (u *updating) again(who rig.Victims) {
	u.T.Helper()
	if who != rig.Main { // no git has outlived it
		u.removeGitLocks()
	}
	u.repeatUnlocked(u.args...)
	u.verify()
	if out := u.Git("status", "--porcelain"); out != "" {
		u.T.Fatalf("round %d: %s", u.round, out)
	}
	if n := u.Git("rev-list", "--merges", "--count", "HEAD"); n != fmt.Sprint(u.merges) {
		u.T.Fatalf("round %d: %s merges\n%s", u.round, n, u.Git("log", "--graph", "--oneline", "-8"))
	}
	u.notMerging()
}

// notMerging checks that nothing is left of a merge that has ended.
func (u *updating) notMerging() {
	u.T.Helper()
	for _, name := range []string{"MERGE_HEAD", "MERGE_MSG", "MERGE_MODE", "stemma-merge"} {
		if _, err := os.Lstat(filepath.Join(u.Dir, ".git", name)); err == nil {
			u.T.Fatalf("round %d: %s is left", u.round, name)
		}
	}
}

// movingSteps counts how many steps git takes to bring the files here.
func (u *updating) movingSteps() int {
	u.T.Helper()
	u.next()
	steps := u.killMoving(0, u.args...)
	if steps < 5 {
		u.T.Fatalf("git's way to the target has %d steps", steps)
	}
	return steps
}

// repeatUnlocked runs the command again, a few times while a git process may have
// outlived it, and then without the locks of killed ones.
func (s *story) repeatUnlocked(args ...string) {
	s.T.Helper()
	for range 3 {
		if _, err := s.Stemma(args...).CombinedOutput(); err == nil {
			return
		}
		time.Sleep(500 * time.Millisecond)
	}
	s.removeGitLocks()
	s.repeat(s.Stemma(args...))
}
