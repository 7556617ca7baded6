package dataset

import (
	"fmt"
	"strconv"
	"strings"
)

// HumanSize prints a number of bytes as git-annex does: decimal units, at most
// two decimals ("6 B", "1.5 kB", "2 MB").
func HumanSize(n int64) string { return HumanBytes(float64(n)) }

// HumanBytes is HumanSize for sums that may be larger.
func HumanBytes(v float64) string {
	units := []string{"B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB", "RB", "QB"}
	i := 0
	for v >= 1000 && i < len(units)-1 {
		v, i = v/1000, i+1
	}
	s := strconv.FormatFloat(v, 'f', 2, 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return fmt.Sprintf("%s %s", s, units[i])
}
