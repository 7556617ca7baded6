package slowfs

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

// Profile is how long the operations of a file system take: the median of a
// log-normal distribution per class. A class that is not named costs nothing
// beside what the backing folder needs.
type Profile struct {
	Name    string
	Latency map[Class]time.Duration
	// StatCache is how many inodes the client knows the attributes of; a look
	// at one of them costs nothing. 0 means that every look is a question.
	StatCache int
}

const ms = time.Millisecond

// profiles are those that the project compares. The Lustre and NFS values are
// published measurements of one client thread; the GPFS values are bracketed by
// them and not measured.
var profiles = []Profile{
	{Name: "local"},
	{Name: "gpfs", StatCache: 50_000, Latency: map[Class]time.Duration{
		Lookup: 3 * ms / 10, Stat: 3 * ms / 10, Create: ms, Unlink: 6 * ms / 10, Rename: ms, Readdir: ms / 2, Fsync: 5 * ms}},
	{Name: "lustre", Latency: map[Class]time.Duration{
		Lookup: ms / 2, Stat: ms / 2, Create: 3 * ms / 2, Unlink: 55 * ms / 100, Mkdir: 55 * ms / 100, Fsync: 5 * ms}},
	{Name: "nfs", Latency: map[Class]time.Duration{
		Lookup: 3 * ms, Create: 7 * ms, Fsync: 10 * ms}},
}

// Names lists the profiles.
func Names() (names []string) {
	for _, p := range profiles {
		names = append(names, p.Name)
	}
	return names
}

// ByName finds a profile.
func ByName(name string) (Profile, error) {
	i := slices.IndexFunc(profiles, func(p Profile) bool { return p.Name == name })
	if i < 0 {
		return Profile{}, fmt.Errorf("there is no profile %q: choose one of %s", name, strings.Join(Names(), ", "))
	}
	return profiles[i], nil
}

// The shape of the distribution: most calls lie within a factor of two of the
// median, and one in a hundred is slower by far.
const (
	sigma     = 0.3
	slowShare = 0.01
	slowTimes = 20
)

// clock draws latencies. It is safe for concurrent use; with one caller the
// same seed gives the same series.
type clock struct {
	profile Profile
	mu      sync.Mutex
	random  *rand.Rand
}

func newClock(p Profile, seed uint64) *clock {
	return &clock{profile: p, random: rand.New(rand.NewPCG(seed, seed))}
}

// draw returns how long the next call of the class takes.
func (c *clock) draw(class Class) time.Duration {
	if class == Absent {
		class = Lookup
	}
	median := c.profile.Latency[class]
	if median == 0 {
		return 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	d := float64(median) * math.Exp(sigma*c.random.NormFloat64())
	if c.random.Float64() < slowShare {
		d *= slowTimes
	}
	return time.Duration(d)
}
