package annexlog

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestPresenceVectors(t *testing.T) {
	for in, want := range map[string]bool{
		"1000s 1 U\n1000s 0 U\n":               true, // the first line wins a tie
		"1000s 0 U\n1000s 1 U\n":               false,
		"3000s 1 U\n1000s 0 U\n":               true,
		"1000 1 U\n999.5 0 U\n":                true,
		"garbage\n1000s 1 U\r\n1001s 5 U\n":    true,
		"1000s 1 U":                            true,
		"1000s 1 U\n1001s X U\n":               false,
		"":                                     false,
		"1000s 1 \n1000s 1\n 1s 1 U\n1s  1 U ": false,
	} {
		if got := slices.Contains(ParsePresence([]byte(in)).Present(), "U"); got != want {
			t.Errorf("%q: %v", in, got)
		}
	}
}

func TestPresenceWritingRules(t *testing.T) {
	const A, B, C = "A", "B", "C"
	for name, c := range map[string]struct {
		before string
		info   string
		status Status
		at     string
		after  string // "" for unchanged
	}{
		"new":            {"1700000001.5s 1 A\n", B, StatusPresent, "1800000000", "1700000001.5s 1 A\n1800000000s 1 B\n"},
		"sorted":         {"9s 1 C\n", A, StatusPresent, "10", "10s 1 A\n9s 1 C\n"},
		"absent again":   {"2000s 0 A\n9s 1 B\n", A, StatusAbsent, "5000", ""},
		"present again":  {"2000s 1 A\n", A, StatusPresent, "5000", ""},
		"gone":           {"7.5s 1 A\n9s 1 B\n", B, StatusAbsent, "11", "7.5s 1 A\n11s 0 B\n"},
		"clock behind":   {"7.5s 1 A\n11.25s 0 B\n", B, StatusPresent, "5", "7.5s 1 A\n12.25s 1 B\n"},
		"other's clock":  {"7.5s 1 A\n11s 0 B\n", C, StatusPresent, "7.25", "7.5s 1 A\n11s 0 B\n7.25s 1 C\n"},
		"compact":        {"1s 1 B\njunk\n2s 0 B\n1.50s 1 A\r\n\n", C, StatusAbsent, "3", "1.5s 1 A\n2s 0 B\n3s 0 C\n"},
		"dead to absent": {"2s X A\n", A, StatusAbsent, "3", "3s 0 A\n"},
		"empty":          {"", A, StatusPresent, "3", "3s 1 A\n"},
		"line break":     {"2s 1 A\n", "x\n9s 1 y", StatusPresent, "3", ""},
		"tied duplicate": {"5s 1 A\n5s 0 A\n", A, StatusAbsent, "1", "6s 0 A\n"},
	} {
		p := ParsePresence([]byte(c.before))
		out, changed := p.Set(c.info, c.status, clock(t, c.at))
		if c.after == "" {
			c.after = c.before
		}
		if string(out) != c.after || changed != (c.after != c.before) {
			t.Errorf("%s: %q %v, want %q", name, out, changed, c.after)
		}
		if again, _ := p.Set(c.info, c.status, clock(t, c.at)); string(again) != c.after {
			t.Errorf("%s: the log was changed in place", name)
		}
	}
}

func TestMarkDead(t *testing.T) {
	out, changed, err := ParsePresence([]byte("5.5s 0 B\n3s X A\n1795344045.375137617s 0 C\n")).MarkDead()
	if want := "3s X A\n5.500000000001s X B\n1795344045.375137617001s X C\n"; string(out) != want || !changed || err != nil {
		t.Errorf("%q %v %v", out, changed, err)
	}
	if _, _, err := ParsePresence([]byte("5s 0 B\n3s 1 A\n")).MarkDead(); !errors.Is(err, ErrPresent) {
		t.Error(err)
	}
	if out, changed, err := ParsePresence([]byte("junk\n3s X A\n")).MarkDead(); string(out) != "junk\n3s X A\n" || changed || err != nil {
		t.Errorf("%q %v %v", out, changed, err)
	}
}

func TestSetURL(t *testing.T) {
	const log = "5s 1 http://z\n5s 1 http://a\n4s 1 http://a\njunk\n5s 0 http://b"
	for name, c := range map[string]struct {
		url    string
		status Status
		after  string
	}{
		"appended":    {"http://c", StatusPresent, log + "\n5s 1 http://c\n"},
		"present":     {"http://a", StatusPresent, log},
		"not present": {"http://n", StatusAbsent, log},
		"gone before": {"http://b", StatusAbsent, log},
		"compacted":   {"http://b", StatusPresent, "5s 1 http://a\n6s 1 http://b\n5s 1 http://z\n"},
		"unset":       {"http://a", StatusAbsent, "6s 0 http://a\n5s 0 http://b\n5s 1 http://z\n"},
		"line break":  {"http://c\n9s 1 x", StatusPresent, log},
	} {
		out, changed := ParsePresence([]byte(log)).SetURL(c.url, c.status, clock(t, "5"))
		if string(out) != c.after || changed != (c.after != log) {
			t.Errorf("%s: %q %v, want %q", name, out, changed, c.after)
		}
	}
	if out, _ := (Presence{}).SetURL("http://example.com/a b?x=1", StatusPresent, clock(t, "5")); string(out) != "5s 1 http://example.com/a b?x=1\n" {
		t.Errorf("%q", out)
	}
}

func FuzzPresence(f *testing.F) {
	f.Add([]byte("1000s 1 U\n1000s 0 U\n"), "U")
	f.Add([]byte("garbage\n1000s 1 U\r\n1001s 5 U\n-1.5 X  "), "V")
	f.Fuzz(func(t *testing.T, data []byte, info string) {
		p := ParsePresence(data)
		p.MarkDead()
		for _, s := range []Status{StatusPresent, StatusAbsent, StatusDead} {
			out, changed := p.Set(info, s, Clock{known: true})
			if l, ok := ParsePresence(out).Get(info); CheckValue(info) == nil && (!ok || l.Status != s) {
				t.Fatalf("%q: %q not set to %c: %q", data, info, s, out)
			}
			if again, ok := ParsePresence(out).Set(info, s, Clock{known: true}); ok || string(again) != string(out) {
				t.Fatalf("%q: set twice: %q", data, again)
			}
			if changed && !strings.HasSuffix(string(out), "\n") {
				t.Fatalf("%q: no newline at the end", out)
			}
			// Nobody else's status changes.
			for _, l := range p.Lines() {
				if now, _ := ParsePresence(out).Get(l.Info); l.Info != info && now.Status != l.Status {
					t.Fatalf("%q: %q became %c", data, l.Info, now.Status)
				}
			}
		}
	})
}
