package annexlog

import (
	"bytes"
	"errors"
	"testing"
)

func value(t *testing.T, l Log, field string) string {
	t.Helper()
	e, ok := l.Get(field)
	if !ok {
		t.Fatalf("no entry %q", field)
	}
	return e.Value
}

func TestUUIDLogVectors(t *testing.T) {
	l := ParseUUIDLog([]byte("U one timestamp=10s\nU two timestamp=10s\nV old\nV new timestamp=1s\n"))
	if value(t, l, "U") != "two" || value(t, l, "V") != "new" {
		t.Error(l.Entries())
	}
	l = ParseUUIDLog([]byte("U 0 timestamp=5s\nU Z timestamp=6s\nV timestamp=5s\n"))
	if tr, ok := ParseTrust(value(t, l, "U")); tr != Semitrusted || !ok {
		t.Error(tr)
	}
	if tr, ok := ParseTrust(value(t, l, "V")); tr != Trusted || !ok {
		t.Error(tr)
	}
	if _, ok := ParseTrust("1 x"); ok {
		t.Error("two words of trust")
	}
	if Dead.String() != "X" {
		t.Error(Dead)
	}
}

// TestUUIDLogRewrite has what git-annex made of the same file when "here" was
// described as hello at time 5.
func TestUUIDLogRewrite(t *testing.T) {
	in := "U one\nV two timestamp=5s\nW a timestamp=3s b timestamp=4s\nX timestamp=bad\nY foo  timestamp=5s\nZ\nZ1 \nZ2  \n\n" +
		"AA  lead timestamp=7s\nBB x timestamp=1s timestamp=2s\nCC x timestamp=9\nDD x timestamp=1s tail\n EE x timestamp=1s\n" +
		"FF  timestamp=1s\nGG timestamp=1s\nHH  x  timestamp=\n"
	want := "67b7 hello timestamp=5s\nAA  lead timestamp=7s\nBB x timestamp=1s timestamp=2s\nCC x timestamp=9s\n" +
		"DD x timestamp=1s tail\nFF  timestamp=1s\nGG  timestamp=1s\nHH  x  timestamp=\nU one\nV two timestamp=5s\n" +
		"W a timestamp=3s b timestamp=4s\nX timestamp=bad\nY foo  timestamp=5s\nZ \nZ1 \nZ2  \n"
	out, err := ParseUUIDLog([]byte(in)).Set("67b7", "hello", clock(t, "5"))
	if string(out) != want || err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestMapLogRewrite has what git-annex made of the same config.log.
func TestMapLogRewrite(t *testing.T) {
	in := "5s a.b v\n5s a.b w\n5s c \n5s d\n 5s e f\n5s  g\n5s h  i \n6s H upper\n5 j k\r\n\r\nxx\n5s annex.x y\n0s z z\n"
	want := "5s  g\n6s H upper\n5s a.b w\n5s annex.largefiles anything\n5s annex.x y\n5s c \n5s h  i \n5s j k\n0s z z\n"
	l := ParseMapLog([]byte(in))
	out, err := l.Set("annex.largefiles", "anything", clock(t, "5"))
	if string(out) != want || err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	again, _ := ParseMapLog(out).Set("annex.largefiles", "", clock(t, "1"))
	if !bytes.Contains(again, []byte("\n6s annex.largefiles \n")) {
		t.Errorf("%s", again)
	}
	if _, ok := l.Get("d"); ok || len(l.Entries()) != 8 {
		t.Error(l.Entries())
	}
}

func TestChunkLogOrder(t *testing.T) {
	out, err := ParseChunkLog([]byte("1s u:20 0\n1s u:3 1\n1s u:x 1\n1s t:100 1\n")).Set("u:100", "25", clock(t, "2"))
	if want := "1s t:100 1\n1s u:3 1\n1s u:20 0\n2s u:100 25\n1s u:x 1\n"; string(out) != want || err != nil {
		t.Errorf("%v %q", err, out)
	}
}

func TestLogRefuses(t *testing.T) {
	for field, value := range map[string]string{"a b": "", "": "x", "f": "a\nb", "a\r": "", "g": "a\rb"} {
		if out, err := ParseUUIDLog(nil).Set(field, value, clock(t, "1")); !errors.Is(err, ErrBadValue) {
			t.Errorf("%q %q: %q %v", field, value, out, err)
		}
	}
}

func TestSingle(t *testing.T) {
	for in, want := range map[string]int{
		"10s 2\n10s 7\n": 7, "10s 7\n10s 2\n": 7, "10s 2\n11s x\n": 2, "10s 0\n": 1, "": 0, "x\n": 0, "5s -3": 1,
		"1600s 3\n1700s 4\n": 4, "7s  5\n": 5, "7s 5 \n": 5, "5s 02\n5s +3\n": 2, "5s 2\n5s 10\n5s -3\n6s x\n 7s 4\n7s  5\n7s 6 \n": 6,
		"1s 99999999999999999999999999\n": maxCopies,
	} {
		if n, ok := ParseCopies([]byte(in)); ok != (want > 0) || ok && n != want {
			t.Errorf("%q: %d %v, want %d", in, n, ok, want)
		}
	}
	out, err := SetSingle([]byte("5s 2\n7.5s 6\n 9s x\n7s 1\n"), "3", clock(t, "5"))
	if string(out) != "8.5s 3\n" || err != nil {
		t.Errorf("%q %v", out, err)
	}
	if out, err := SetSingle(nil, "3", clock(t, "5.50")); string(out) != "5.5s 3\n" || err != nil {
		t.Errorf("%q %v", out, err)
	}
	if _, err := SetSingle(nil, "3\n", clock(t, "5")); err == nil {
		t.Error("a line break passes")
	}
}

func FuzzLogs(f *testing.F) {
	f.Add([]byte("U one timestamp=10s\nU two timestamp=10s\nV old\n"), "U", "x")
	f.Add([]byte("5s a.b v\n5s a:1 w\n5 c \n5s d\n"), "a:1", " timestamp=4s")
	f.Fuzz(func(t *testing.T, data []byte, field, val string) {
		ParseCopies(data)
		ParseTransitions(data)
		for _, parse := range []func([]byte) Log{ParseUUIDLog, ParseMapLog, ParseChunkLog} {
			l := parse(data)
			if canon := l.Bytes(); !bytes.Equal(parse(canon).Bytes(), canon) {
				t.Fatalf("%q: canonical form %q is not stable", data, canon)
			}
			out, err := l.Set(field, val, Clock{known: true})
			if err != nil {
				continue
			}
			if e, ok := parse(out).Get(field); !ok || e.Value != val {
				t.Fatalf("%q: wrote %q=%q, read %v", data, field, val, e)
			}
		}
	})
}
