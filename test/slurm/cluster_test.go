package slurm

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience bounds the wait for jobs, which need a second or two on an idle
// machine; startPatience that for a cluster with a database of its own.
const (
	patience      = 2 * time.Minute
	startPatience = 5 * time.Minute
)

// cluster is a Slurm that tests may use. It is asked for states once for all
// tests that wait.
type cluster struct {
	conf       string // SLURM_CONF
	dir        string // of one of our own
	accounting bool

	mu     sync.Mutex
	asked  time.Time
	queue  map[string][]string // job -> states of its tasks, from squeue
	booked map[string][]string // likewise, from sacct
}

func (c *cluster) env() []string {
	return append(os.Environ(), "SLURM_CONF="+c.conf, "USER=root", "SLURM_BITSTR_LEN=0")
}

// call runs a program of Slurm that must succeed.
func (c *cluster) call(t testing.TB, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = c.env()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// look asks for the states of all jobs, if the last answer is not fresh.
func (c *cluster) look(t testing.TB) {
	t.Helper()
	if time.Since(c.asked) < 250*time.Millisecond {
		return
	}
	c.queue = table(c.call(t, "squeue", "-h", "-a", "-t", "all", "-r", "-o", "%F|%T"))
	if c.accounting {
		c.booked = table(c.call(t, "sacct", "-n", "-X", "-P", "-a", "-S", "now-1hour", "-o", "JobID,State"))
	}
	c.asked = time.Now()
}

func table(text string) map[string][]string {
	m := map[string][]string{}
	for line := range strings.Lines(text) {
		id, state, ok := strings.Cut(strings.TrimSpace(line), "|")
		id, _, _ = strings.Cut(id, "_")
		state, _, _ = strings.Cut(state, " ") // "CANCELLED by 0"
		if ok {
			m[id] = append(m[id], state)
		}
	}
	return m
}

func alive(states []string) bool {
	for _, s := range states {
		switch s {
		case "COMPLETED", "FAILED", "CANCELLED", "TIMEOUT":
		default:
			return true
		}
	}
	return len(states) == 0
}

// over reports whether the controller and accounting agree that a job ended.
func (c *cluster) over(id string) bool {
	if alive(c.queue[id]) {
		return false
	}
	if !slices.ContainsFunc(c.queue[id], func(s string) bool { return s != "CANCELLED" }) {
		return true // sacct does not list jobs that were never eligible
	}
	return !c.accounting || len(c.booked[id]) == len(c.queue[id]) && !alive(c.booked[id])
}

// await waits until all jobs have ended.
func (c *cluster) await(t testing.TB, ids ...string) {
	t.Helper()
	until(t, "the end of jobs "+strings.Join(ids, ", "), func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.look(t)
		for _, id := range ids {
			if !c.over(id) {
				return false
			}
		}
		return true
	})
}

// awaitState waits until squeue shows a job in a state.
func (c *cluster) awaitState(t testing.TB, id, state string) {
	t.Helper()
	until(t, "job "+id+" to be "+state, func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.look(t)
		return len(c.queue[id]) > 0 && c.queue[id][0] == state
	})
}

func until(t testing.TB, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !done(); time.Sleep(150 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("timed out waiting for %s", what)
		}
	}
}

// named counts the jobs with a name, whatever became of them.
func (c *cluster) named(t testing.TB, name string) []string {
	t.Helper()
	return strings.Fields(c.call(t, "squeue", "-h", "-a", "-t", "all", "-n", name, "-o", "%F"))
}

// ownCluster starts a second Slurm that one test may break.
func ownCluster(t *testing.T, options ...string) *cluster {
	t.Helper()
	if os.Getuid() != 0 {
		if os.Getenv("CI") != "" {
			t.Fatal("a cluster of its own needs root")
		}
		t.Skip("a cluster of its own needs root")
	}
	dir, err := os.MkdirTemp("", "stemma-slurm-own-") // short: sockets lie there
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	c := &cluster{conf: filepath.Join(dir, "etc", "slurm.conf"), dir: dir, accounting: !slices.Contains(options, "--no-accounting")}
	script, err := filepath.Abs("../../scripts/slurm-cluster")
	if err != nil {
		t.Fatal(err)
	}
	// Below the ports that the kernel gives to clients.
	env := append(os.Environ(), "CLUSTER_DIR="+dir, "CLUSTER_PORT="+strconv.Itoa(30100+16*rand.IntN(150)))
	t.Cleanup(func() {
		stop := exec.Command(script, "stop")
		stop.Env = env
		if out, err := stop.CombinedOutput(); err != nil {
			t.Errorf("stop cluster: %v\n%s", err, out)
		}
		os.RemoveAll(dir)
	})
	if out, err := start(t.Context(), script, env, options); err != nil {
		t.Fatalf("start cluster: %v\n%s", err, out)
	}
	return c
}

// start keeps the daemons' output out of pipes, which would never end.
func start(ctx context.Context, script string, env, options []string) ([]byte, error) {
	log, err := os.CreateTemp("", "stemma-slurm-start-")
	if err != nil {
		return nil, err
	}
	defer os.Remove(log.Name())
	defer log.Close()
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	cmd := exec.CommandContext(ctx, script, append([]string{"start"}, options...)...)
	cmd.Env, cmd.Stdout, cmd.Stderr = env, log, log
	if err := cmd.Run(); err != nil {
		out, rerr := os.ReadFile(log.Name())
		return out, errors.Join(err, rerr)
	}
	return nil, nil
}
