package annexcli

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/pflag"
	"github.com/stemma-data/stemma/internal/annexcmd"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/matchexpr"
	"github.com/stemma-data/stemma/internal/screen"
)

// exitLimited is the exit code of a command that a limit has kept from doing
// all.
const exitLimited = 101

// errLimit ends a walk through files.
var errLimit = errors.New("limit reached")

// limits are how long a command may go on, and how many bytes its files may
// have together.
type limits struct {
	time, size       string // as given
	deadline         time.Time
	left             int64
	limited, reached bool
}

func (l *limits) flags(f *pflag.FlagSet) {
	f.StringVar(&l.time, "time-limit", "", "begin with no file after this `TIME`, such as 1h30m")
	f.StringVar(&l.size, "size-limit", "", "pass over files that make more than this `SIZE` together")
}

// The commands that can be limited: those that visit files one by one. Of them
// transfers and drops count what they begin with, others what they visit.
var (
	visits  = []string{"find", "whereis", "list", "metadata", "fsck"}
	carries = []string{"get", "copy", "move", "drop"}
)

// start reads the limits for a command.
func (l *limits) start(name string, f *pflag.FlagSet, now time.Time) error {
	able := slices.Contains(visits, name) || slices.Contains(carries, name)
	for _, option := range []string{"time-limit", "size-limit"} {
		if f.Changed(option) && !able {
			return misuse{fmt.Errorf("Invalid option `--%s': %s cannot be limited", option, name)}
		}
	}
	if f.Changed("time-limit") {
		d, ok := parseDuration(l.time)
		if !ok {
			return misuse{fmt.Errorf("option --time-limit: failed to parse duration %q (expected eg \"5m\" or \"1h5m\")", l.time)}
		}
		l.deadline = now.Add(d)
	}
	if f.Changed("size-limit") {
		var ok bool
		if l.left, ok = matchexpr.Size(l.size); !ok {
			return misuse{fmt.Errorf("option --size-limit: cannot parse value `%s'", l.size)}
		}
		l.limited = l.left < math.MaxInt64 // which no files have
	}
	return nil
}

// admit takes the key's size from what is left. A key of unknown size costs
// nothing.
func (l *limits) admit(k annexkey.Key) bool {
	if k.Size > l.left {
		l.reached = true
		return false
	}
	l.left -= max(k.Size, 0)
	return true
}

// limit tells the session about the limit of size, if it is the one to ask.
func (c *call) limit(s *annexcmd.Settings) {
	if c.common.limits.limited && slices.Contains(carries, c.command.name) {
		s.Admit = c.common.limits.admit
	}
}

// passes is asked about each file: errLimit where the time is over, and false
// for one that would be too much.
func (c *call) passes(k annexkey.Key) (bool, error) {
	l := &c.common.limits
	if err := c.inTime(); err != nil {
		return false, err
	}
	if l.limited && slices.Contains(visits, c.command.name) {
		return l.admit(k), nil
	}
	return true, nil
}

// inTime is errLimit where the time is over, and says so once.
func (c *call) inTime() error {
	l := &c.common.limits
	if l.deadline.IsZero() || time.Now().Before(l.deadline) {
		return nil
	}
	if !l.reached {
		c.out.flush()
		fmt.Fprintf(screen.Filter(c.Stderr), "  Time limit (%s) reached! Shutting down...\n", l.time)
	}
	l.reached = true
	return errLimit
}

// parseDuration reads git-annex's durations: numbers, each with a unit (y, d, h,
// m, s), or a number of seconds.
func parseDuration(text string) (time.Duration, bool) {
	const day = 24 * time.Hour
	units := map[byte]time.Duration{'y': 365 * day, 'd': day, 'h': time.Hour, 'm': time.Minute, 's': time.Second}
	var sum time.Duration
	for rest := text; ; {
		n := 0
		for n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
			n++
		}
		value, err := strconv.ParseInt(rest[:n], 10, 64)
		unit := time.Second
		if n < len(rest) {
			unit = units[rest[n]]
			n++
		}
		if err != nil || unit == 0 || value > int64((1<<62)/unit) || sum > 1<<62 {
			return 0, false
		}
		sum += time.Duration(value) * unit
		if rest = rest[n:]; rest == "" {
			return sum, true
		}
	}
}
