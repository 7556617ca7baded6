package render

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/result"
)

// counts is the number of records by action and status.
type counts map[string]map[result.Status]int

func (c counts) add(rec result.Record) {
	if c[rec.Action] == nil {
		c[rec.Action] = map[result.Status]int{}
	}
	c[rec.Action][rec.Status]++
}

func (c counts) total() int {
	n := 0
	for _, byStatus := range c {
		for _, k := range byStatus {
			n += k
		}
	}
	return n
}

// String is the action summary, without the last newline.
func (c counts) String() string {
	var b strings.Builder
	b.WriteString("action summary:\n  ")
	for i, action := range slices.Sorted(maps.Keys(c)) {
		if i > 0 {
			b.WriteString("\n  ")
		}
		var parts []string
		for _, status := range slices.Sorted(maps.Keys(c[action])) {
			parts = append(parts, fmt.Sprintf("%s: %d", status, c[action][status]))
		}
		fmt.Fprintf(&b, "%s (%s)", action, strings.Join(parts, ", "))
	}
	return b.String()
}
