package remote

import (
	"errors"
	"strings"
	"time"
)

// DefaultStall is how long a remote may be silent where nothing is configured.
const DefaultStall = 5 * time.Minute

// ErrStalled says that a remote was given up because nothing moved.
var ErrStalled = errors.New("nothing has moved for too long")

// ParseStall reads annex.stalldetection: "AMOUNT/DURATION" such as "1KB/60s",
// of which the duration counts here, or a boolean; false is never, and "" is 0,
// for the default. ok is false for anything else.
func ParseStall(text string) (d time.Duration, ok bool) {
	const never = 100 * 365 * 24 * time.Hour
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "":
		return 0, true
	case "true", "yes", "on", "1":
		return DefaultStall, true
	case "false", "no", "off", "0":
		return never, true
	}
	_, duration, found := strings.Cut(text, "/")
	if !found {
		return 0, false
	}
	d, err := time.ParseDuration(strings.TrimSpace(duration))
	return d, err == nil && d > 0
}
