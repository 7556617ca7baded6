// Package annexlog has the log files of the git-annex branch: their clocks, the
// families of lines, the rules by which a change is written, the union merge, and
// their names on the branch and in the journal. Everything is a pure function from
// bytes to bytes; the package knows of no repository, lock or commit. The formats
// are those of git-annex's "internals" document; where it is silent the program
// was asked.
//
// A log is read leniently (a line that makes no sense is skipped, since a newer
// program may have written it) and written canonically. A rewrite drops such
// lines, as git-annex does.
package annexlog

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

const (
	picosPerSecond = 1_000_000_000_000
	picosPerNano   = 1_000
	fractionDigits = 12
	maxSeconds     = 1 << 60 // keeps every sum far from overflow
)

// ErrBadClock is the cause of ParseClock's errors.
var ErrBadClock = errors.New("bad time stamp")

// Clock is the time stamp of a log line: exact decimal seconds of Unix time down to
// the picosecond, as git-annex keeps it. Clocks may be compared with ==. The zero
// Clock stands for "no time stamp" and is older than every other.
type Clock struct {
	sec   int64 // rounded towards minus infinity
	pico  int64 // 0 to picosPerSecond-1
	known bool
}

// ClockOf returns the time t with nanosecond precision.
func ClockOf(t time.Time) Clock {
	return Clock{t.Unix(), int64(t.Nanosecond()) * picosPerNano, true}
}

// ParseClock reads SECONDS[.FRACTION] with an optional "s" at the end, the form of
// log lines and of GIT_ANNEX_VECTOR_CLOCK. Digits beyond picoseconds are cut off.
func ParseClock(s string) (Clock, error) {
	num := strings.TrimSuffix(s, "s")
	whole, frac, dot := strings.Cut(num, ".")
	sec, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || sec > maxSeconds || sec < -maxSeconds {
		return Clock{}, badClock(s)
	}
	pico, ok := parseFraction(frac)
	if dot && frac == "" || !ok {
		return Clock{}, badClock(s)
	}
	if sec < 0 && pico > 0 { // the fraction counts away from zero
		sec, pico = sec-1, picosPerSecond-pico
	}
	return Clock{sec, pico, true}, nil
}

func badClock(s string) error { return fmt.Errorf("%w %.100q", ErrBadClock, s) }

// parseFraction converts the digits after the dot to picoseconds.
func parseFraction(digits string) (int64, bool) {
	var pico int64
	scale := int64(picosPerSecond)
	for i := range len(digits) {
		d := digits[i]
		if d < '0' || d > '9' {
			return 0, false
		}
		scale /= 10 // reaches 0 after the last picosecond digit
		pico += int64(d-'0') * scale
	}
	return pico, true
}

// IsZero reports whether c is "no time stamp".
func (c Clock) IsZero() bool { return !c.known }

// String returns the canonical form, such as "1795344044.30748209s": no trailing
// zeros in the fraction, no dot without one. It is "" for the zero Clock.
func (c Clock) String() string {
	if !c.known {
		return ""
	}
	sec, pico, sign := c.sec, c.pico, ""
	if sec < 0 {
		sign = "-"
		sec = -sec
		if pico > 0 {
			sec, pico = sec-1, picosPerSecond-pico
		}
	}
	out := sign + strconv.FormatInt(sec, 10)
	if pico > 0 {
		out += "." + strings.TrimRight(fmt.Sprintf("%0*d", fractionDigits, pico), "0")
	}
	return out + "s"
}

// Compare returns -1, 0 or 1 as c is older than, equal to or newer than d.
func (c Clock) Compare(d Clock) int {
	if c.known != d.known {
		if d.known {
			return -1
		}
		return 1
	}
	return cmp.Or(cmp.Compare(c.sec, d.sec), cmp.Compare(c.pico, d.pico))
}

// Time returns c cut to nanoseconds, in UTC; the zero time for the zero Clock.
func (c Clock) Time() time.Time {
	if !c.known {
		return time.Time{}
	}
	return time.Unix(c.sec, c.pico/picosPerNano).UTC()
}

// After returns the clock for a change that supersedes the existing lines of the
// same item: c itself, or else one second more than the newest of them. This
// keeps order between machines whose clocks differ. It is never the zero Clock.
func (c Clock) After(existing ...Clock) Clock {
	var newest Clock
	for _, e := range existing {
		if e.Compare(newest) > 0 {
			newest = e
		}
	}
	if c.Compare(newest) > 0 {
		return c
	}
	if newest.IsZero() { // neither is known; a line needs some time
		return Clock{known: true}
	}
	newest.sec++
	return newest
}

// plusPicosecond returns the smallest newer clock.
func (c Clock) plusPicosecond() Clock {
	if !c.known {
		return Clock{known: true}
	}
	c.pico++
	if c.pico == picosPerSecond {
		c.sec, c.pico = c.sec+1, 0
	}
	return c
}
