package cli

import (
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/pyfmt"
	"github.com/stemma-data/stemma/internal/transfer"
)

const (
	// patience is how long a command transfers before it says how far it is.
	patience = 2 * time.Second
	// shownName is the greatest length of a file name in the line.
	shownName = 30
)

// transfers shows how far a command with transfers is: what, how much, how
// fast, how long still. It is a transfer.Progress for many goroutines.
type transfers struct {
	show func(text string)
	now  func() time.Time

	mu       sync.Mutex
	began    time.Time // zero before the first
	shown    time.Time
	waiting  map[annexkey.Key]string // expected files that have not begun
	flying   map[*flight]bool
	files    int   // expected or begun
	finished int   // files
	size     int64 // of the files, as far as known
	past     int64 // bytes of attempts that ended well
	moved    int64 // bytes since the beginning, of all attempts
}

// flight is one attempt.
type flight struct {
	t     *transfers
	key   annexkey.Key
	name  string
	bytes int64
	heard bool
}

// watchTransfers lets the datasets that are opened from now on tell their
// transfers in the progress line, where there is one. The caller clears it.
func (a *app) watchTransfers() *progressLine {
	line := a.progress()
	if line.w != nil {
		a.transfers = newTransfers(line.show, time.Now)
	}
	return line
}

func newTransfers(show func(string), now func() time.Time) *transfers {
	return &transfers{show: show, now: now, waiting: map[annexkey.Key]string{}, flying: map[*flight]bool{}}
}

// Expect implements transfer.Expecter.
func (t *transfers) Expect(k annexkey.Key, file string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.waiting[k]; !known {
		t.waiting[k] = file
		t.count(k)
	}
}

func (t *transfers) count(k annexkey.Key) {
	t.files++
	t.size += max(k.Size, 0)
}

// Begin implements transfer.Progress.
func (t *transfers) Begin(k annexkey.Key, _ string) transfer.Meter {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.began.IsZero() {
		t.began = t.now()
	}
	name, expected := t.waiting[k]
	if !expected {
		name = k.String()
		t.count(k)
	}
	delete(t.waiting, k)
	f := &flight{t: t, key: k, name: name}
	t.flying[f] = true
	return f
}

// At implements transfer.Meter.
func (f *flight) At(bytes int64) {
	t := f.t
	t.mu.Lock()
	defer t.mu.Unlock()
	if f.heard { // what was there before did not move now
		t.moved += max(bytes-f.bytes, 0)
	}
	f.bytes, f.heard = bytes, true
	now := t.now()
	if now.Sub(t.began) < patience || now.Sub(t.shown) < progressEvery {
		return
	}
	t.shown = now
	t.show(t.text(now, f))
}

// End implements transfer.Meter. What failed is expected again: it is tried
// once more, or stays as a file that is not there.
func (f *flight) End(err error) {
	t := f.t
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.flying, f)
	if len(t.flying) == 0 {
		t.show("") // what comes next may be no transfer
	}
	if err != nil {
		t.waiting[f.key] = f.name
		return
	}
	t.finished++
	t.past += max(f.key.Size, f.bytes)
}

// text is the line; f is the file that moved last.
func (t *transfers) text(now time.Time, f *flight) string {
	there, unknown := t.past, false
	for f := range t.flying {
		there += f.bytes
		unknown = unknown || f.key.Size < 0
	}
	var b strings.Builder
	if t.files > 1 {
		fmt.Fprintf(&b, "%d of %d files, ", t.finished, t.files)
	}
	b.WriteString(dataset.HumanSize(there))
	if !unknown && t.size >= there {
		b.WriteString(" of " + dataset.HumanSize(t.size))
	}
	if speed := float64(t.moved) / now.Sub(t.began).Seconds(); speed >= 1 {
		b.WriteString(", " + dataset.HumanSize(int64(speed)) + "/s")
		if !unknown && t.size >= there {
			b.WriteString(", " + remaining(float64(t.size-there)/speed) + " left")
		}
	}
	return b.String() + ": " + shownAs(f.name)
}

// remaining is a duration in the unit that people think in.
func remaining(seconds float64) string {
	const minute, hour, forever = 60, 3600, 1000 * 3600
	switch {
	case seconds >= forever:
		return "a long time"
	case seconds >= 2*hour:
		return fmt.Sprintf("%.0f h", seconds/hour)
	case seconds >= 2*minute:
		return fmt.Sprintf("%.0f min", seconds/minute)
	}
	return fmt.Sprintf("%.0f s", seconds)
}

// shownAs is a name without what would upset a terminal, and its end where it
// is long.
func shownAs(name string) string {
	runes := pyfmt.Runes(strings.ToValidUTF8(name, "?"))
	text := make([]rune, 0, shownName)
	if len(runes) > shownName {
		text = append(text, '…')
		runes = runes[len(runes)-shownName+1:]
	}
	for _, r := range runes {
		if !unicode.IsPrint(r) {
			r = '?'
		}
		text = append(text, r)
	}
	return string(text)
}
