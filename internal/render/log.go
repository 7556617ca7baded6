package render

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"unicode"

	"github.com/stemma-data/stemma/internal/screen"
)

// LevelCritical is above slog.LevelError.
const LevelCritical = slog.LevelError + 4

// ParseLevel reads a log level as DataLad does: critical, error, warning, info,
// debug (in any case), or an integer from 1 to 9 for more detail than debug.
func ParseLevel(s string) (slog.Level, error) {
	switch strings.ToLower(s) {
	case "critical":
		return LevelCritical, nil
	case "error":
		return slog.LevelError, nil
	case "warning", "warn":
		return slog.LevelWarn, nil
	case "info":
		return slog.LevelInfo, nil
	case "debug":
		return slog.LevelDebug, nil
	}
	if n, err := strconv.Atoi(s); err == nil && n >= 1 && n <= 9 {
		return slog.LevelDebug - slog.Level(10-n), nil
	}
	return 0, fmt.Errorf("read log level: unknown level %q", s)
}

// levelName is the inverse of ParseLevel, in capitals.
func levelName(l slog.Level) string {
	switch {
	case l >= LevelCritical:
		return "CRITICAL"
	case l >= slog.LevelError:
		return "ERROR"
	case l >= slog.LevelWarn:
		return "WARNING"
	case l >= slog.LevelInfo:
		return "INFO"
	case l >= slog.LevelDebug:
		return "DEBUG"
	}
	return "Level " + strconv.Itoa(10-int(slog.LevelDebug-l))
}

// logHandler prints "[LEVEL] text ", one line for each record.
type logHandler struct {
	mu    *sync.Mutex
	w     io.Writer
	level slog.Leveler
	color bool
	attrs string // " key=value" of With, already formatted
	group string
}

// NewLogHandler returns a slog.Handler that prints as DataLad logs: the level in
// brackets, the text, its attributes as key=value, and a trailing blank. Text
// of several lines has "| " before each further line; other control characters
// are made visible.
func NewLogHandler(w io.Writer, level slog.Leveler, color bool) slog.Handler {
	return &logHandler{mu: new(sync.Mutex), w: w, level: level, color: color}
}

func (h *logHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level.Level() }

func (h *logHandler) Handle(_ context.Context, rec slog.Record) error {
	text := strings.ReplaceAll(screen.Visible(rec.Message, "\n\t"), "\n", "\n| ") + h.attrs
	rec.Attrs(func(a slog.Attr) bool {
		text += h.format(a)
		return true
	})
	h.mu.Lock()
	defer h.mu.Unlock()
	_, err := fmt.Fprintf(h.w, "[%s] %s \n", h.name(rec.Level), text)
	return err
}

func (h *logHandler) name(l slog.Level) string {
	name := levelName(l)
	if !h.color {
		return name
	}
	name = fmt.Sprintf("%-7s", name)
	switch {
	case l >= slog.LevelError && l < LevelCritical:
		return paint(red, name)
	case l >= slog.LevelWarn:
		return paint(yellow, name)
	case l >= slog.LevelInfo:
		return name
	}
	return paint(blue, name)
}

func (h *logHandler) format(a slog.Attr) string {
	if a.Equal(slog.Attr{}) {
		return ""
	}
	value := a.Value.Resolve().String()
	if value == "" || strings.ContainsFunc(value, func(c rune) bool { return c == ' ' || c == '"' || unicode.IsControl(c) }) {
		value = strconv.Quote(value)
	}
	return " " + h.group + a.Key + "=" + value
}

func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	for _, a := range attrs {
		c.attrs += h.format(a)
	}
	return &c
}

func (h *logHandler) WithGroup(name string) slog.Handler {
	c := *h
	c.group += name + "."
	return &c
}
