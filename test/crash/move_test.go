package crash

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/test/crash/rig"
)

// route is a way that content is moved between here, a special remote (d), and
// a repository (b).
type route struct{ from, to string }

var routes = []route{{"here", "d"}, {"d", "here"}, {"here", "b"}, {"b", "here"}, {"d", "b"}}

func (r route) String() string { return r.from + "-" + r.to }

func (r route) args() []string {
	args := []string{"annex", "move"}
	if r.from != "here" {
		args = append(args, "--from", r.from)
	}
	if r.to != "here" {
		args = append(args, "--to", r.to)
	}
	return append(args, "one.bin", "two.bin")
}

// A move that is killed at any step loses nothing. Typed again it ends, however
// many copies there shall be, as no number of copies is lowered by it, and no
// note of it is left. git-annex goes on with it, too.
func TestMoveKilledAtEveryStep(t *testing.T) {
	rig.Need(t, "git-annex")
	for _, way := range routes {
		t.Run(way.String(), func(t *testing.T) {
			m := newMoving(t)
			m.bring(way.from)
			total, ended, err := rig.KillAt(m.Stemma(way.args()...), 0, rig.All)
			if err != nil || !ended {
				t.Fatal(total, ended, err)
			}
			m.arrived(way.to)
			rnd := random(t)
			for i, n := range chosen(t, rnd, total, 4) {
				m.bring(way.from)
				m.Run("git", "annex", "numcopies", fmt.Sprint(1+i%2))
				_, _, err := rig.KillAt(m.Stemma(way.args()...), n, rig.Victims(rnd.IntN(3)))
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("killed at step %d of %d", n, total)
				m.nothingLost()
				turn := way.from == "here" && i%3 == 2 || way.to == "here" && i%3 == 1
				if turn && len(m.locks()) == 0 {
					m.Run("git", way.args()...)
					m.nothingLost()
				}
				m.Run(m.Bin, way.args()...)
				m.arrived(way.to)
			}
			m.Write("more.txt", "a commit settles what was left of others\n")
			m.Save("-m", "more")
			m.CheckQuick()
		})
	}
}

// What git-annex has begun is ended by Stemma: a move that was killed when the
// content had come, and one when it was gone from where it was.
func TestMoveOfGitAnnexKilled(t *testing.T) {
	rig.Need(t, "git-annex")
	for _, way := range routes[:4] {
		t.Run(way.String(), func(t *testing.T) {
			m := newMoving(t)
			m.Run("git", "annex", "numcopies", "2")
			for _, left := range []bool{true, false} {
				m.bring(way.from)
				_, ended, err := rig.KillWhen(m.Command("git", way.args()...), func(int) bool {
					return m.has(way.to, "one.bin") && m.has(way.from, "one.bin") == left
				}, rig.All)
				if err != nil || ended {
					t.Fatalf("the moment did not come: %v", err)
				}
				if m.notes() == "" {
					t.Fatal("git-annex has noted nothing")
				}
				m.Run(m.Bin, way.args()...)
				m.arrived(way.to)
			}
		})
	}
}

// moving is a dataset with a locked and an unlocked file that go around.
type moving struct {
	*rig.Repo
	where map[string]string // folders with content
	uuid  map[string]string
	keys  map[string]string // of the files
}

func newMoving(t *testing.T) *moving {
	w := rig.NewWorld(t, program)
	r := w.Dataset(t, "a")
	b, d := filepath.Join(w.Root, "b"), filepath.Join(w.Root, "d")
	m := &moving{Repo: r, keys: map[string]string{}, where: map[string]string{"here": r.Dir + "/.git/annex/objects", "b": b + "/.git/annex/objects", "d": d}}
	for _, name := range []string{"one.bin", "two.bin"} {
		r.Write(name, rig.Binary(name, 5000))
	}
	r.Save("-m", "files")
	r.Run("git", "annex", "unlock", "two.bin")
	r.Git("commit", "-qm", "an unlocked one")
	if err := os.Mkdir(d, 0o755); err != nil {
		t.Fatal(err)
	}
	r.Run("git", "annex", "initremote", "d", "type=directory", "directory="+d, "encryption=none")
	r.Git("clone", "-q", r.Dir, b)
	r.Git("-C", b, "annex", "init", "b")
	r.Git("remote", "add", "b", b)
	r.Git("fetch", "-q", "b")
	m.uuid = map[string]string{"here": r.Git("config", "annex.uuid"), "b": r.Git("-C", b, "config", "annex.uuid"), "d": r.Git("config", "remote.d.annex-uuid")}
	r.Git("config", "remote.b.annex-uuid", m.uuid["b"])
	for _, name := range []string{"one.bin", "two.bin"} {
		m.keys[name] = r.Git("annex", "lookupkey", name)
	}
	return m
}

// bring moves everything to a place, with git-annex.
func (m *moving) bring(to string) {
	m.T.Helper()
	for _, path := range m.locks() {
		os.Remove(path)
	}
	for _, from := range []string{"b", "d"} {
		if to != from {
			m.Run("git", "annex", "move", "--force", "--from", from, "one.bin", "two.bin")
		}
	}
	if to != "here" {
		m.Run("git", "annex", "move", "--force", "--to", to, "one.bin", "two.bin")
	}
	m.arrived(to)
}

// has reports whether a place has a file's content, which must be right.
func (m *moving) has(place, name string) bool {
	m.T.Helper()
	key := m.keys[name]
	found, _ := filepath.Glob(filepath.Join(m.where[place], "*", "*", key, key))
	if len(found) == 0 {
		return false
	}
	if text, err := os.ReadFile(found[0]); err == nil && string(text) != rig.Binary(name, 5000) {
		m.T.Fatalf("%s has wrong content of %s", place, name)
	}
	return true
}

// locks are those that a git that was killed has left; git-annex cannot get past
// them.
func (m *moving) locks() []string {
	out, _ := m.Try("find", filepath.Join(m.Dir, ".git"), filepath.Join(m.Dir, "../b/.git"), "-name", "*.lock")
	return strings.Fields(out)
}

func (m *moving) nothingLost() {
	m.T.Helper()
	for name := range m.keys {
		if !m.has("here", name) && !m.has("b", name) && !m.has("d", name) {
			m.T.Fatalf("%s is lost", name)
		}
	}
}

// arrived checks that the files are in one place, that the logs say so, and that
// nothing else is left of their way.
func (m *moving) arrived(at string) {
	m.T.Helper()
	for name := range m.keys {
		for place := range m.where {
			if m.has(place, name) != (place == at) {
				m.T.Fatalf("after a move to %s, %s has %s: %v", at, place, name, place != at)
			}
		}
		if got := m.logged(name); !slices.Equal(got, []string{m.uuid[at]}) {
			m.T.Fatalf("the log says of %s at %s: %v; of %v", name, at, got, m.uuid)
		}
	}
	if text, err := os.ReadFile(filepath.Join(m.Dir, "two.bin")); err != nil || strings.HasPrefix(string(text), "/annex/") == (at == "here") {
		m.T.Fatalf("at %s, the unlocked file has %q, %v", at, text[:min(len(text), 20)], err)
	}
	if notes := m.notes(); notes != "" {
		m.T.Fatalf("left in move.log: %q", notes)
	}
	if out := m.Git("status", "--porcelain"); out != "" {
		m.T.Fatalf("git status is not clean:\n%s", out)
	}
}

func (m *moving) notes() string {
	text, _ := os.ReadFile(filepath.Join(m.Dir, ".git/annex/move.log"))
	return string(text)
}

// logged are the repositories that have a file, by the log.
func (m *moving) logged(name string) (uuids []string) {
	m.T.Helper()
	out, _ := m.Try("git", "annex", "whereis", "--json", name)
	var answer struct{ Whereis, Untrusted []struct{ UUID string } }
	if err := json.Unmarshal([]byte(out), &answer); err != nil {
		m.T.Fatalf("whereis %s: %v: %s", name, err, out)
	}
	for _, r := range slices.Concat(answer.Whereis, answer.Untrusted) {
		uuids = append(uuids, r.UUID)
	}
	return uuids
}
