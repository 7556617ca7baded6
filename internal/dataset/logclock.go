package dataset

import "github.com/stemma-data/stemma/internal/annexlog"

// LogClock is the time for lines of git-annex's logs, which the environment may
// fix (GIT_ANNEX_VECTOR_CLOCK).
func (d *Dataset) LogClock() annexlog.Clock {
	if c, err := annexlog.ParseClock(d.env("GIT_ANNEX_VECTOR_CLOCK")); err == nil {
		return c
	}
	return annexlog.ClockOf(d.Now())
}
