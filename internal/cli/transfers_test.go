package cli

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stemma-data/stemma/internal/annexkey"
)

func TestTransfersAreShown(t *testing.T) {
	now := time.Unix(1700000000, 0)
	var line string
	tr := newTransfers(func(text string) { line = text }, func() time.Time { return now })
	key := func(hash string, size int64) annexkey.Key {
		return annexkey.Key{Backend: "MD5", Name: hash, Size: size}
	}
	big, small := key("aa", 1000000), key("bb", 500)
	tr.Expect(big, "raw/big.dat")
	tr.Expect(big, "a copy.dat")
	tr.Expect(small, "small")

	m := tr.Begin(small, "origin")
	m.At(500)
	m.End(nil)
	m = tr.Begin(big, "origin")
	m.At(100000) // there before
	now = now.Add(time.Second)
	m.At(150000)
	if line != "" {
		t.Errorf("shown too early: %s", line)
	}
	now = now.Add(time.Second)
	m.At(300000)
	if want := "1 of 2 files, 300.5 kB of 1 MB, 100 kB/s, 7 s left: raw/big.dat"; line != want {
		t.Errorf("%s\nwant %s", line, want)
	}

	// A second attempt, from the beginning, counts nothing twice.
	m.End(errors.New("broken"))
	m = tr.Begin(big, "other")
	m.At(0)
	now = now.Add(time.Second)
	m.At(100000)
	if want := "1 of 2 files, 100.5 kB of 1 MB, 100 kB/s, 9 s left: raw/big.dat"; line != want {
		t.Errorf("%s\nwant %s", line, want)
	}
	m.End(nil)

	// Nothing is promised about content of unknown size.
	m = tr.Begin(key("cc", -1), "web")
	now = now.Add(time.Second)
	m.At(1)
	if strings.Contains(line, " of 1 MB") || strings.Contains(line, "left") || !strings.HasPrefix(line, "2 of 3 files, ") {
		t.Error(line)
	}
}

func TestShownAs(t *testing.T) {
	for name, want := range map[string]string{
		"a\x1b[31mb\nc": "a?[31mb?c", "\xff": "?", strings.Repeat("x", 40) + "end": "…" + strings.Repeat("x", 26) + "end",
	} {
		if got := shownAs(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
	for seconds, want := range map[float64]string{0: "0 s", 119: "119 s", 600: "10 min", 36000: "10 h", 1e9: "a long time"} {
		if got := remaining(seconds); got != want {
			t.Errorf("%v: %s, want %s", seconds, got, want)
		}
	}
}
