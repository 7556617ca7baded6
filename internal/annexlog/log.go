package annexlog

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Entry is the value of one field of a Log. In a UUID log the field is a
// repository's UUID.
type Entry struct {
	Field string
	Value string
	Clock Clock // zero where a UUID log has no time stamp
}

// Log is a log with one value for each field. Values are opaque here. It is
// immutable; make one with a Parse function, also an empty one.
type Log struct {
	family  family
	entries []Entry // one for each field, sorted
}

type family struct {
	parse   func(line string) (Entry, bool)
	append  func(b []byte, e Entry) []byte
	compare func(a, b string) int
}

// ParseUUIDLog reads the old family, lines "UUID VALUE timestamp=TIME": uuid.log,
// remote.log, trust.log, group.log, preferred-content.log, required-content.log,
// schedule.log, activity.log, difference.log, multicast.log. It never fails.
func ParseUUIDLog(data []byte) Log {
	return parseLog(data, family{parseUUIDLine, appendUUIDLine, strings.Compare})
}

// ParseMapLog reads the new family, lines "TIME FIELD VALUE": config.log,
// export.log, group-preferred-content.log, ".log.rmt", ".log.cid" and the like. It
// never fails.
func ParseMapLog(data []byte) Log {
	return parseLog(data, family{parseMapLine, appendMapLine, strings.Compare})
}

// ParseChunkLog reads a ".log.cnk", a map log whose fields UUID:CHUNKSIZE are
// sorted by number. It never fails.
func ParseChunkLog(data []byte) Log {
	return parseLog(data, family{parseMapLine, appendMapLine, compareChunkFields})
}

func parseLog(data []byte, f family) Log {
	var all []Entry
	for line := range lines(string(data)) {
		if e, ok := f.parse(line); ok {
			all = append(all, e)
		}
	}
	// Of lines with the same time the last in the file wins.
	slices.Reverse(all)
	slices.SortStableFunc(all, func(a, b Entry) int {
		return cmp.Or(f.compare(a.Field, b.Field), b.Clock.Compare(a.Clock))
	})
	return Log{f, slices.CompactFunc(all, func(a, b Entry) bool { return a.Field == b.Field })}
}

// Entries returns the value in force of each field, sorted by field.
func (l Log) Entries() []Entry { return slices.Clone(l.entries) }

// Get returns the value in force of the field.
func (l Log) Get(field string) (Entry, bool) {
	i, ok := l.find(field)
	if !ok {
		return Entry{}, false
	}
	return l.entries[i], true
}

func (l Log) find(field string) (int, bool) {
	return slices.BinarySearchFunc(l.entries, field, func(e Entry, f string) int {
		return l.family.compare(e.Field, f)
	})
}

// Set returns the whole log after the value was recorded at the candidate time (or
// later, see Clock.After), also where the value is the same. It fails for a field
// or value that a line cannot hold.
func (l Log) Set(field, value string, candidate Clock) ([]byte, error) {
	if err := cmp.Or(checkField(field), CheckValue(value)); err != nil {
		return nil, err
	}
	entries := slices.Clone(l.entries)
	i, ok := l.find(field)
	if !ok {
		entries = slices.Insert(entries, i, Entry{})
	}
	entries[i] = Entry{field, value, candidate.After(entries[i].Clock)}
	return Log{l.family, entries}.Bytes(), nil
}

// Bytes returns the log in canonical form: one line for each field, sorted.
func (l Log) Bytes() []byte {
	var b []byte
	for _, e := range l.entries {
		b = l.family.append(b, e)
	}
	return b
}

const timestampKey = "timestamp="

// parseUUIDLine takes a time stamp only at the very end; elsewhere it is text.
func parseUUIDLine(line string) (Entry, bool) {
	uuid, rest, _ := strings.Cut(line, " ")
	if uuid == "" {
		return Entry{}, false
	}
	e := Entry{Field: uuid, Value: rest}
	i := strings.LastIndexByte(rest, ' ') + 1
	stamp, ok := strings.CutPrefix(rest[i:], timestampKey)
	if !ok {
		return e, true
	}
	if c, err := ParseClock(stamp); err == nil {
		e.Value, e.Clock = rest[:max(i-1, 0)], c
	}
	return e, true
}

func appendUUIDLine(b []byte, e Entry) []byte {
	b = append(b, e.Field...)
	b = append(b, ' ')
	b = append(b, e.Value...)
	if !e.Clock.IsZero() {
		b = append(b, " "+timestampKey...)
		b = append(b, e.Clock.String()...)
	}
	return append(b, '\n')
}

func parseMapLine(line string) (Entry, bool) {
	c, rest, ok := cutClock(line)
	if !ok {
		return Entry{}, false
	}
	field, value, ok := strings.Cut(rest, " ")
	return Entry{field, value, c}, ok
}

func appendMapLine(b []byte, e Entry) []byte {
	b = append(b, e.Clock.String()...)
	b = append(b, ' ')
	b = append(b, e.Field...)
	b = append(b, ' ')
	b = append(b, e.Value...)
	return append(b, '\n')
}

// compareChunkFields sorts chunk sizes by number, and after them what is no size.
func compareChunkFields(a, b string) int {
	au, as, _ := strings.Cut(a, ":")
	bu, bs, _ := strings.Cut(b, ":")
	return cmp.Or(
		strings.Compare(au, bu),
		cmp.Compare(chunkSize(as), chunkSize(bs)),
		strings.Compare(a, b),
	)
}

func chunkSize(s string) uint64 {
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil {
		return math.MaxUint64
	}
	return n
}
