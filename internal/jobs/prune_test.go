package jobs

import (
	"testing"
	"time"
)

func TestPrune(t *testing.T) {
	b := newBench(t)
	n, err := Prune(t.Context(), b.d, time.Now())
	if n != 0 || err != nil {
		t.Fatalf("%d %v before any job", n, err)
	}
	one := b.submit(ScheduleOptions{Outputs: []string{"one"}})
	b.submit(ScheduleOptions{Outputs: []string{"two"}})
	b.write("one", "1")
	b.s.set(t, one, "COMPLETED")
	_, err = b.finish(FinishOptions{})
	must(t, err)
	if n, err = Prune(t.Context(), b.d, time.Now().Add(-time.Hour)); n != 0 || err != nil {
		t.Errorf("%d %v: too young", n, err)
	}
	if n, err = Prune(t.Context(), b.d, time.Now().Add(time.Second)); n != 1 || err != nil {
		t.Errorf("%d %v: one is closed", n, err)
	}
	if got := b.states(); got != "open:" {
		t.Errorf("states %s", got)
	}
}
