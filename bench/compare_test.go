package main

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestMedian(t *testing.T) {
	same := func(d time.Duration) time.Duration { return d }
	for _, c := range []struct {
		values []time.Duration
		want   time.Duration
	}{{nil, 0}, {[]time.Duration{3}, 3}, {[]time.Duration{9, 1, 2}, 2}, {[]time.Duration{8, 1, 2, 4}, 3}} {
		if got := median(c.values, same); got != c.want {
			t.Errorf("median of %v: %v, want %v", c.values, got, c.want)
		}
	}
}

func TestCompareInterleavesAndReportsFailures(t *testing.T) {
	b := &bench{tmp: t.TempDir()}
	var order string
	works := func(name string) contender {
		return contender{name: name, work: func() error { order += name; return nil }}
	}
	fails := contender{name: "c", work: func() error { order += "c"; return errors.New("no such luck") }}
	stats, err := b.compare(context.Background(), 3, works("a"), works("b"), fails, contender{name: "d", missing: "not installed"})
	if err != nil {
		t.Fatal(err)
	}
	if order != "abcbaab" {
		t.Errorf("order %s", order)
	}
	if len(stats[0].costs) != 3 || stats[2].measured() || stats[2].missing != "failed: no such luck" || stats[3].missing != "not installed" {
		t.Errorf("%+v", stats)
	}
}

func TestShow(t *testing.T) {
	for d, want := range map[time.Duration]string{
		1234 * time.Microsecond: "1.23 ms", 56789 * time.Microsecond: "56.8 ms", 345 * time.Millisecond: "345 ms",
		6789 * time.Millisecond: "6.79 s", 38600 * time.Millisecond: "38.6 s", -2 * time.Millisecond: "−2.00 ms",
	} {
		if got := show(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
	if got := thousands(1234567); got != "1,234,567" {
		t.Error(got)
	}
}

func TestSizes(t *testing.T) {
	o, err := parse([]string{"-sizes", "500,2000", "-only", "tree"})
	if err != nil || len(o.sizes) != 2 || o.sizes[1] != 2000 || o.file != "" || o.needsSlurm() {
		t.Errorf("%+v %v", o, err)
	}
	if o, err = parse(nil); err != nil || o.file != suites[0].file {
		t.Errorf("a complete run writes to %q, %v", o.file, err)
	}
	if _, err = parse([]string{"-sizes", "many"}); err == nil {
		t.Error("accepted")
	}
}
