package main

import (
	"fmt"
	"html"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// line is one series of a plot.
type line struct {
	group, name string
	x, y        []float64
}

// addPoint adds what a trial took to its series.
func addPoint(lines []line, group, name string, x float64, t trial) []line {
	if t.missing != "" || t.took <= 0 {
		return lines
	}
	i := slices.IndexFunc(lines, func(l line) bool { return l.group == group && l.name == name })
	if i < 0 {
		lines = append(lines, line{group: group, name: name})
		i = len(lines) - 1
	}
	lines[i].x, lines[i].y = append(lines[i].x, x), append(lines[i].y, t.took.Seconds())
	return lines
}

func linesOf(lines []line, group string) (of []line) {
	for _, l := range lines {
		if l.group == group {
			of = append(of, l)
		}
	}
	return of
}

// plot writes a picture beside the page and refers to it. Both axes are
// logarithmic. A run without a page makes none.
func (b *bench) plot(name, title, xTitle, yTitle string, lines []line) {
	if b.file == "" || len(lines) == 0 {
		return
	}
	file := b.suite.name + "-" + name + ".svg"
	path := filepath.Join(filepath.Dir(b.file), file)
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = os.WriteFile(path, []byte(draw(title, xTitle, yTitle, lines)), 0o644)
	}
	if err != nil {
		progress("plot: %v", err)
		return
	}
	b.note("![%s](%s)", title, file)
}

// The picture's size, in its own units.
const (
	plotWidth, plotHeight = 760, 420
	left, right, top      = 70, 230, 40
	bottom                = 50
)

var colours = []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999999"}

// axis maps values to a range of the picture by their logarithms.
type axis struct {
	low, high float64 // powers of ten
	from, to  float64
}

func newAxis(values []float64, from, to float64) axis {
	low, high := math.Floor(math.Log10(slices.Min(values))), math.Ceil(math.Log10(slices.Max(values)))
	if high <= low {
		high = low + 1
	}
	return axis{low, high, from, to}
}

func (a axis) at(v float64) float64 {
	return a.from + (math.Log10(v)-a.low)/(a.high-a.low)*(a.to-a.from)
}

// draw makes an SVG picture of the lines.
func draw(title, xTitle, yTitle string, lines []line) string {
	var xs, ys []float64
	for _, l := range lines {
		xs, ys = append(xs, l.x...), append(ys, l.y...)
	}
	x, y := newAxis(xs, left, plotWidth-right), newAxis(ys, plotHeight-bottom, top)
	var s strings.Builder
	fmt.Fprintf(&s, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", plotWidth, plotHeight)
	fmt.Fprintf(&s, `<rect width="%d" height="%d" fill="white"/>`+"\n", plotWidth, plotHeight)
	text(&s, (left+plotWidth-right)/2, 20, "middle", title)
	text(&s, (left+plotWidth-right)/2, plotHeight-12, "middle", xTitle)
	text(&s, 12, top-14, "start", yTitle)
	grid(&s, x, y)
	for i, l := range lines {
		series(&s, l, x, y, i)
	}
	s.WriteString("</svg>\n")
	return s.String()
}

func text(s *strings.Builder, x, y float64, anchor, words string) {
	fmt.Fprintf(s, `<text x="%.1f" y="%.1f" text-anchor="%s">%s</text>`+"\n", x, y, anchor, html.EscapeString(words))
}

// grid draws a line for each power of ten.
func grid(s *strings.Builder, x, y axis) {
	for p := x.low; p <= x.high; p++ {
		v := x.at(math.Pow(10, p))
		fmt.Fprintf(s, `<path d="M%.1f %d V%d" stroke="#ddd"/>`+"\n", v, top, plotHeight-bottom)
		text(s, v, plotHeight-bottom+18, "middle", power(p))
	}
	for p := y.low; p <= y.high; p++ {
		v := y.at(math.Pow(10, p))
		fmt.Fprintf(s, `<path d="M%d %.1f H%d" stroke="#ddd"/>`+"\n", left, v, plotWidth-right)
		text(s, left-8, v+4, "end", power(p))
	}
}

// power prints a power of ten as people write it.
func power(p float64) string {
	if p >= 0 {
		return thousands(int(math.Pow(10, p)))
	}
	return fmt.Sprintf("%.*f", int(-p), math.Pow(10, p))
}

func series(s *strings.Builder, l line, x, y axis, i int) {
	colour := colours[i%len(colours)]
	var path strings.Builder
	for k := range l.x {
		verb := "L"
		if k == 0 {
			verb = "M"
		}
		fmt.Fprintf(&path, "%s%.1f %.1f", verb, x.at(l.x[k]), y.at(l.y[k]))
		fmt.Fprintf(s, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`+"\n", x.at(l.x[k]), y.at(l.y[k]), colour)
	}
	fmt.Fprintf(s, `<path d="%s" fill="none" stroke="%s" stroke-width="1.5"/>`+"\n", path.String(), colour)
	row := float64(top + 18*i)
	fmt.Fprintf(s, `<path d="M%d %.1f h18" stroke="%s" stroke-width="3"/>`+"\n", plotWidth-right+14, row, colour)
	text(s, plotWidth-right+38, row+4, "start", l.name)
}
