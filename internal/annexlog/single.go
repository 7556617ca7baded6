package annexlog

import "strings"

// ParseSingle reads a log that has one value for the whole repository, lines
// "TIME VALUE", and returns all of them (with an empty Field) in file order.
func ParseSingle(data []byte) []Entry {
	var all []Entry
	for line := range lines(string(data)) {
		if c, value, ok := cutClock(line); ok {
			all = append(all, Entry{"", value, c})
		}
	}
	return all
}

// SetSingle returns the log after the value was recorded at the candidate time (or
// later, see Clock.After): one line, whatever old held.
func SetSingle(old []byte, value string, candidate Clock) ([]byte, error) {
	if err := CheckValue(value); err != nil {
		return nil, err
	}
	var clocks []Clock
	for _, e := range ParseSingle(old) {
		clocks = append(clocks, e.Clock)
	}
	return []byte(candidate.After(clocks...).String() + " " + value + "\n"), nil
}

// ParseCopies returns the number in numcopies.log or mincopies.log, at least 1;
// false where the log has none. Of values with the same time the largest counts.
func ParseCopies(data []byte) (int, bool) {
	var newest Clock
	var n int
	for _, e := range ParseSingle(data) {
		v, ok := leadingInt(e.Value)
		if !ok {
			continue
		}
		if c := e.Clock.Compare(newest); c > 0 || c == 0 && v > n {
			newest, n = e.Clock, v
		}
	}
	return max(n, 1), !newest.IsZero()
}

// maxCopies keeps an absurd number from overflowing.
const maxCopies = 1 << 30

// leadingInt reads a number as git-annex does: white space before it and anything
// behind it are ignored.
func leadingInt(s string) (int, bool) {
	s = strings.TrimLeft(s, " \t")
	s, negative := strings.CutPrefix(s, "-")
	n, i := 0, 0
	for ; i < len(s) && '0' <= s[i] && s[i] <= '9'; i++ {
		n = min(n*10+int(s[i]-'0'), maxCopies)
	}
	if negative {
		n = -n
	}
	return n, i > 0
}
