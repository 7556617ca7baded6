package transfer

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// size is that of the content that is interrupted: large enough to be resumed.
const size = 3 << 20

// operation is a way in which content moves between "near" and "far".
type operation struct {
	name      string
	direction string   // of the content
	before    string   // who has the content before
	args      []string // of the program, in "near"
	after     []string // who has it when all went well
}

var operations = []operation{
	{"get", "down", "far", []string{"get", "file"}, []string{"near", "far"}},
	{"copy", "up", "near", []string{"annex", "copy", "--to", "far", "file"}, []string{"near", "far"}},
	{"move-to", "up", "near", []string{"annex", "move", "--to", "far", "file"}, []string{"far"}},
	{"move-from", "down", "far", []string{"annex", "move", "--from", "far", "file"}, []string{"near"}},
	{"drop", "", "both", []string{"drop", "file"}, []string{"far"}},
}

var faults = []string{"kill", "cut", "stall", "flip"}

// TestInterruptedTransfers breaks transfers by ssh at random points, and
// repeats the command without a fault.
func TestInterruptedTransfers(t *testing.T) {
	w := newWorld(t)
	dirs := w.datasets(map[string][]byte{"file": random(size, 1)}, w.server.URL, "far", "near")
	rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))
	for n := range soak(8, 100) {
		op, fault := operations[n%len(operations)], faults[rng.IntN(len(faults))]
		t.Run(fmt.Sprintf("%d-%s-%s", n, op.name, fault), func(t *testing.T) {
			w.t = t
			r := &round{world: w, dirs: dirs, op: op}
			r.prepare()
			at := rng.Int64N(size + 2000)
			direction := op.direction
			if direction == "" {
				at, direction = rng.Int64N(400), "down"
			}
			r.broken(fmt.Sprint(fault, " ", direction, " ", at))
			r.repeated()
		})
	}
	w.t = t
	w.run(dirs["near"], program, "get", "file")
	w.run(dirs["near"], "git", "annex", "fsck", "--quiet")
	w.run(dirs["near"], "git", "annex", "fsck", "--quiet", "--fast", "--from", "far")
}

// round is one interrupted operation.
type round struct {
	*world
	dirs    map[string]string
	op      operation
	partial int64 // what was left of a broken transfer
}

// prepare brings the content where the operation wants it.
func (r *round) prepare() {
	r.t.Helper()
	near, far := r.dirs["near"], r.dirs["far"]
	r.cleanPartials()
	if !r.intact(far, "file") {
		r.run(near, program, "annex", "copy", "--to", "far", "file")
	}
	if !r.intact(near, "file") {
		r.run(near, program, "get", "file")
	}
	switch r.op.before {
	case "near":
		r.run(near, program, "annex", "drop", "--from", "far", "file")
	case "far":
		r.run(near, program, "drop", "file")
	}
}

func (r *round) cleanPartials() {
	for _, dir := range r.dirs {
		left, _ := filepath.Glob(filepath.Join(dir, ".git", "annex", "tmp", "*"))
		hidden, _ := filepath.Glob(filepath.Join(dir, ".git", "annex", "tmp", ".stemma*"))
		for _, f := range append(left, hidden...) {
			os.Remove(f)
		}
	}
}

// ssh is the environment with an ssh that fails.
func (r *round) ssh(fault, count string) []string {
	self, err := os.Executable()
	if err != nil {
		r.t.Fatal(err)
	}
	return []string{"GIT_SSH_COMMAND=" + self, faultVar + "=" + fault, configVar + "=" + r.server.Config, countVar + "=" + count}
}

// broken runs the operation with the fault. However it ends: no content is
// lost, and none is wrong.
func (r *round) broken(fault string) {
	r.t.Helper()
	env := r.ssh(fault, "")
	if strings.HasPrefix(fault, "stall") {
		env = append(env, "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=annex.stalldetection", "GIT_CONFIG_VALUE_0=1KB/2s")
	}
	cmd := r.command(r.dirs["near"], env, append([]string{program}, r.op.args...)...)
	out, err := cmd.CombinedOutput()
	r.t.Logf("%s: %v %s", fault, err, out)
	r.settled()
	near, far := r.intact(r.dirs["near"], "file"), r.intact(r.dirs["far"], "file")
	if !near && !far {
		r.t.Fatalf("the content is lost after %q: %s", fault, out)
	}
	r.partial = 0
	for _, dir := range r.dirs {
		for _, pattern := range []string{"SHA*", "MD5*", ".stemma-tmp-part-*"} {
			left, _ := filepath.Glob(filepath.Join(dir, ".git", "annex", "tmp", pattern))
			for _, f := range left {
				if fi, err := os.Stat(f); err == nil {
					r.partial = max(r.partial, fi.Size())
				}
			}
		}
	}
	if strings.HasPrefix(fault, "flip") {
		r.partial = 0 // what is damaged is thrown away
	}
}

// settled waits until the far end has noticed that its client is gone.
func (r *round) settled() {
	for range 100 {
		held, _ := filepath.Glob(filepath.Join(r.dirs["far"], ".git", "annex", "transfer", "*", "*", "lck.*"))
		if len(held) == 0 {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	time.Sleep(50 * time.Millisecond)
	// What the far end keeps for a vanished client, it keeps for ten minutes.
	promises, _ := filepath.Glob(filepath.Join(r.dirs["far"], ".git", "annex", "objects", "*", "*", "*", "*.rtm"))
	for _, p := range promises {
		os.Chmod(filepath.Dir(p), 0o755)
		os.Remove(p)
	}
}

// repeated runs the operation without a fault, which must complete it, and not
// move again what was there.
func (r *round) repeated() {
	r.t.Helper()
	count := filepath.Join(r.t.TempDir(), "count")
	cmd := r.command(r.dirs["near"], r.ssh("none down 0", count), append([]string{program}, r.op.args...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		r.t.Fatalf("repeated: %v\n%s", err, out)
	}
	for name, dir := range r.dirs {
		want := strings.Contains(strings.Join(r.op.after, " "), name)
		if have := r.intact(dir, "file"); have != want {
			r.t.Errorf("in the end %s has the content: %v", name, have)
		}
	}
	text, _ := os.ReadFile(count)
	var moved int64
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		var down, up int64
		fmt.Sscan(line, &down, &up)
		moved += down + up
	}
	const talk = 20 << 10 // what is said beside content
	if r.partial > 0 && moved > size-r.partial+talk {
		r.t.Errorf("%d bytes moved again although %d of %d were there", moved, r.partial, size)
	}
}
