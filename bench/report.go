package main

import (
	"fmt"
	"strings"
	"time"
)

// section begins a part of the report.
func (b *bench) section(format string, args ...any) {
	fmt.Fprintf(b.out, "\n## "+format+"\n", args...)
}

func (b *bench) note(format string, args ...any) {
	fmt.Fprintf(b.out, "\n"+format+"\n", args...)
}

// table prints rows in Markdown; all columns but the first are aligned right.
func (b *bench) table(header []string, rows [][]string) {
	fmt.Fprintf(b.out, "\n| %s |\n|---|%s\n", strings.Join(header, " | "), strings.Repeat("---:|", len(header)-1))
	for _, row := range rows {
		for len(row) < len(header) {
			row = append(row, "")
		}
		fmt.Fprintf(b.out, "| %s |\n", strings.Join(row, " | "))
	}
}

// timing prints a comparison; ratios are to the contender called base.
func (b *bench) timing(base string, stats []stat) {
	var unit time.Duration
	for _, s := range stats {
		if s.name == base && s.measured() {
			unit = s.wall()
		}
	}
	rows := make([][]string, 0, len(stats))
	for _, s := range stats {
		rows = append(rows, s.row(unit))
	}
	b.table([]string{"", "elapsed", "user + system", "repetitions", "ratio to " + base}, rows)
}

func (s stat) row(unit time.Duration) []string {
	if !s.measured() {
		return []string{s.name, orElse(s.missing, "not measured"), "", "", ""}
	}
	return []string{s.name, show(s.wall()), show(s.cpu()), fmt.Sprint(len(s.costs)), ratio(s.wall(), unit)}
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// show prints a duration with three digits.
func show(d time.Duration) string {
	switch {
	case d < 0:
		return "−" + show(-d)
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.2f ms", d.Seconds()*1e3)
	case d < 100*time.Millisecond:
		return fmt.Sprintf("%.1f ms", d.Seconds()*1e3)
	case d < time.Second:
		return fmt.Sprintf("%.0f ms", d.Seconds()*1e3)
	case d < 10*time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

func ratio(d, unit time.Duration) string {
	if unit <= 0 {
		return "–"
	}
	r := float64(d) / float64(unit)
	if r < 10 {
		return fmt.Sprintf("%.2f", r)
	}
	return fmt.Sprintf("%.0f", r)
}

// thousands prints a number with separators.
func thousands(n int) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// check is one figure beside the limit that the project has set itself.
type check struct {
	what, limit, measured string
	kept                  bool
}

// checked notes a figure, and says below the table whether the limit is kept.
func (b *bench) checked(what, limit string, kept bool, format string, args ...any) {
	c := check{what, limit, fmt.Sprintf(format, args...), kept}
	b.checks = append(b.checks, c)
	b.note("Must show: %s: limit %s, measured %s: %s.", c.what, c.limit, c.measured, c.verdict())
}

func (c check) verdict() string {
	if c.kept {
		return "kept"
	}
	return "**missed**"
}

// limits prints the checks that this run could make.
func (b *bench) limits() {
	if len(b.checks) == 0 {
		return
	}
	b.section("Against the project's own limits")
	rows := make([][]string, 0, len(b.checks))
	for _, c := range b.checks {
		rows = append(rows, []string{c.what, c.limit, c.measured, c.verdict()})
	}
	b.table([]string{"", "limit", "measured", ""}, rows)
}
