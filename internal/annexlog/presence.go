package annexlog

import (
	"errors"
	"slices"
	"strings"
)

// Status says whether an item of a presence log holds.
type Status byte

// The states of a presence log, by their letters.
const (
	StatusPresent Status = '1'
	StatusAbsent  Status = '0'
	StatusDead    Status = 'X' // absent, and nobody shall miss it
)

// ErrPresent is returned when a key that some repository still has shall be marked
// as dead.
var ErrPresent = errors.New("mark key dead: content is still present somewhere")

// PresenceLine is one line "TIME STATUS INFO" of a presence log. Info is a
// repository's UUID in a location log, a URL in a ".log.web".
type PresenceLine struct {
	Clock  Clock
	Status Status
	Info   string
}

func (l PresenceLine) append(b []byte) []byte {
	b = append(b, l.Clock.String()...)
	b = append(b, ' ', byte(l.Status), ' ')
	b = append(b, l.Info...)
	return append(b, '\n')
}

// Presence is a presence log: the location log of a key (".log"), its URLs
// (".log.web") or its equivalent keys (".log.ek"). It is immutable; the zero value
// is the empty log.
type Presence struct {
	raw   string
	lines []PresenceLine // all that make sense, in file order
}

// ParsePresence reads a presence log. It never fails.
func ParsePresence(data []byte) Presence {
	p := Presence{raw: string(data)}
	for line := range lines(p.raw) {
		if l, ok := parsePresenceLine(line); ok {
			p.lines = append(p.lines, l)
		}
	}
	return p
}

func parsePresenceLine(line string) (PresenceLine, bool) {
	c, rest, ok := cutClock(line)
	if !ok || len(rest) < 2 || rest[1] != ' ' {
		return PresenceLine{}, false
	}
	s := Status(rest[0])
	if s != StatusPresent && s != StatusAbsent && s != StatusDead {
		return PresenceLine{}, false
	}
	return PresenceLine{c, s, rest[2:]}, true
}

// Lines returns the line in force for each info, sorted by info. Among lines of the
// same time the first in the file wins.
func (p Presence) Lines() []PresenceLine {
	best := slices.Clone(p.lines)
	slices.SortStableFunc(best, func(a, b PresenceLine) int {
		if c := strings.Compare(a.Info, b.Info); c != 0 {
			return c
		}
		return b.Clock.Compare(a.Clock)
	})
	return slices.CompactFunc(best, func(a, b PresenceLine) bool { return a.Info == b.Info })
}

// Get returns the line in force for info.
func (p Presence) Get(info string) (PresenceLine, bool) {
	var best PresenceLine
	found := false
	for _, l := range p.lines {
		if l.Info == info && (!found || l.Clock.Compare(best.Clock) > 0) {
			best, found = l, true
		}
	}
	return best, found
}

// Present returns the infos whose status is present, sorted.
func (p Presence) Present() []string {
	var infos []string
	for _, l := range p.Lines() {
		if l.Status == StatusPresent {
			infos = append(infos, l.Info)
		}
	}
	return infos
}

// Dead reports whether there are lines and every one in force says dead.
func (p Presence) Dead() bool {
	return len(p.lines) > 0 && !slices.ContainsFunc(p.Lines(), func(l PresenceLine) bool { return l.Status != StatusDead })
}

// Set returns the log after the status of info was recorded at the candidate time
// (or later, see Clock.After), one line for each info. Where the status is the same
// already, however old, the log stays as it is and changed is false; so it does for
// an info that CheckValue refuses. This is the rule of location logs.
func (p Presence) Set(info string, status Status, candidate Clock) (out []byte, changed bool) {
	old, ok := p.Get(info)
	if ok && old.Status == status || CheckValue(info) != nil {
		return []byte(p.raw), false
	}
	return p.compactWith(p.newLine(info, status, candidate)), true
}

// SetURL is Set by the rule of URL logs: a URL new to the file is appended and all
// other lines stay, even broken ones; a known one leads to one line for each URL.
// Nothing changes where a URL is present, or is not, already.
func (p Presence) SetURL(url string, status Status, candidate Clock) (out []byte, changed bool) {
	old, ok := p.Get(url)
	same := (old.Status == StatusPresent) == (status == StatusPresent)
	if same || CheckValue(url) != nil {
		return []byte(p.raw), false
	}
	line := p.newLine(url, status, candidate)
	if ok {
		return p.compactWith(line), true
	}
	out = []byte(p.raw)
	if n := len(out); n > 0 && out[n-1] != '\n' {
		out = append(out, '\n')
	}
	return line.append(out), true
}

// MarkDead returns the log after all absent lines were turned into dead ones, each
// a picosecond newer. It is ErrPresent while some line says present.
func (p Presence) MarkDead() (out []byte, changed bool, err error) {
	if len(p.Present()) > 0 {
		return []byte(p.raw), false, ErrPresent
	}
	current := p.Lines()
	for i, l := range current {
		if l.Status == StatusAbsent {
			current[i].Status, current[i].Clock = StatusDead, l.Clock.plusPicosecond()
			changed = true
		}
	}
	if !changed {
		return []byte(p.raw), false, nil
	}
	return formatPresence(current), true, nil
}

func (p Presence) newLine(info string, status Status, candidate Clock) PresenceLine {
	old, _ := p.Get(info)
	return PresenceLine{candidate.After(old.Clock), status, info}
}

// compactWith needs a line that is newer than those of the same info.
func (p Presence) compactWith(l PresenceLine) []byte {
	p.lines = append([]PresenceLine{l}, p.lines...)
	return formatPresence(p.Lines())
}

func formatPresence(all []PresenceLine) []byte {
	var b []byte
	for _, l := range all {
		b = l.append(b)
	}
	return b
}
