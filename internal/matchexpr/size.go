package matchexpr

import (
	"cmp"
	"errors"
	"math"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode"
)

var errSize = errors.New("bad size")

// number is what a size may begin with: a floating point number in Haskell's
// spelling. What follows it is the unit.
var number = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^-?(0[xX][0-9a-fA-F]+|0[oO][0-7]+|[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?|NaN\b|Infinity\b)`)
})

// prefixes are the unit prefixes, each 1000 (or, with "i", 1024) times the one
// before. The two last have no binary form and no bits.
var prefixes = [...]struct{ short, long, binary string }{
	{"k", "kilo", "kibi"}, {"m", "mega", "mebi"}, {"g", "giga", "gibi"}, {"t", "tera", "tebi"},
	{"p", "peta", "pebi"}, {"e", "exa", "exbi"}, {"z", "zetta", "zebi"}, {"y", "yotta", "yobi"},
	{"r", "ronna", ""}, {"q", "quetta", ""},
}

// parseSize reads a number of bytes with an optional unit: b, byte(s), kb,
// kilobyte(s), kbit, kilobit(s), KiB, kibibyte(s) and so on, without regard to
// case, perhaps after blanks; "k" is kb.
// The result is a whole number, rounded half to even. As with git-annex, what
// does not begin with a letter after the number is ignored.
func parseSize(s string) (float64, error) {
	text := number().FindString(s)
	if text == "" {
		return 0, errSize
	}
	unit := strings.TrimLeftFunc(s[len(text):], unicode.IsSpace)
	if end := strings.IndexFunc(unit, func(r rune) bool { return !unicode.IsLetter(r) }); end >= 0 {
		unit = unit[:end]
	}
	factor, ok := unitFactor(strings.ToLower(unit))
	if !ok {
		return 0, errSize
	}
	n, err := parseNumber(text)
	if math.IsNaN(n) {
		n = math.Inf(-1) // what Haskell rounds it to, near enough
	}
	return math.RoundToEven(n * factor), err
}

// Size reads a number of bytes as largerthan= does. What is too large for int64
// becomes the largest one, and what is negative 0; it is false for what is no
// size.
func Size(s string) (int64, bool) {
	n, err := parseSize(s)
	switch {
	case err != nil:
		return 0, false
	case n >= math.MaxInt64:
		return math.MaxInt64, true
	}
	return int64(max(n, 0)), true
}

// parseNumber reads what the pattern number has found.
func parseNumber(text string) (float64, error) {
	digits, negative := strings.CutPrefix(text, "-")
	n, err := strconv.ParseFloat(digits, 64)
	if len(digits) > 1 && digits[0] == '0' && strings.ContainsRune("xXoO", rune(digits[1])) {
		n, err = parseWhole(digits)
	}
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, errSize
	}
	if negative {
		n = -n
	}
	return n, nil
}

// parseWhole reads 0x1f or 0o17.
func parseWhole(digits string) (float64, error) {
	if digits[1] == 'x' || digits[1] == 'X' {
		return strconv.ParseFloat(digits+"p0", 64)
	}
	n, err := strconv.ParseUint(digits[2:], 8, 64)
	return float64(n), err
}

// unitFactor returns how many bytes the unit (in lower case) is.
func unitFactor(unit string) (float64, bool) {
	switch unit {
	case "", "b", "byte", "bytes":
		return 1, true
	}
	decimal, binary := 1.0, 1.0
	for _, p := range prefixes {
		decimal, binary = decimal*1000, binary*1024
		switch unit {
		case p.short, p.short + "b", p.long + "byte", p.long + "bytes":
			return decimal, true
		}
		if p.binary == "" {
			continue
		}
		switch unit {
		case p.short + "bit", p.long + "bit", p.long + "bits":
			return decimal / 8, true
		case p.short + "i", p.short + "ib", p.binary + "byte", p.binary + "bytes":
			return binary, true
		}
	}
	return 0, false
}

// compareSize orders a size and a whole limit that may be beyond int64.
func compareSize(size int64, limit float64) int {
	switch {
	case limit >= math.MaxInt64:
		return -1
	case limit <= math.MinInt64:
		return 1
	}
	return cmp.Compare(size, int64(limit))
}
