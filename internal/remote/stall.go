package remote

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// DefaultStall is how long a remote may be silent where nothing is configured.
const DefaultStall = 5 * time.Minute

// DefaultPatience is how long a question that moves no content may take.
const DefaultPatience = 2 * time.Minute

// Patient bounds a question that moves no content, such as whether some is
// there: by annex.stalldetection, remote.NAME.annex-stalldetection, or
// DefaultPatience. What is given up in the end finds ErrStalled as the cause.
func (s Setup) Patient(ctx context.Context) (context.Context, context.CancelFunc) {
	d := s.stall()
	if d == 0 {
		d = DefaultPatience
	}
	return context.WithTimeoutCause(ctx, d, fmt.Errorf("remote %s has not answered for %s: %w", s.Name, d, ErrStalled))
}

// Stall is for how long nothing may move in a transfer of which that can be
// told.
func (s Setup) Stall() time.Duration {
	if d := s.stall(); d > 0 {
		return d
	}
	return DefaultStall
}

// stall is what is configured for the remote; 0 for nothing.
func (s Setup) stall() time.Duration {
	for _, text := range []string{s.Setting("stalldetection"), s.Settings.Get("annex.stalldetection")} {
		if d, ok := ParseStall(text); ok && d > 0 {
			return d
		}
	}
	return 0
}

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
