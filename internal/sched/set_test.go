package sched

import "testing"

type named struct {
	Scheduler
	name string
}

func (n named) Name() string { return n.name }

func TestFind(t *testing.T) {
	slurm, local := named{name: "slurm"}, named{name: "local"}
	for _, c := range []struct {
		s    Scheduler
		name string
		want Scheduler
	}{
		{slurm, "", slurm}, {slurm, "slurm", slurm}, {slurm, "local", nil},
		{NewSet(slurm, local), "", slurm}, {NewSet(slurm, local), "local", local}, {NewSet(local, slurm), "slurm", slurm},
		{NewSet(slurm, local), "pbs", nil}, {NewSet(slurm, named{name: "slurm"}), "slurm", slurm},
	} {
		got, ok := Find(c.s, c.name)
		if got != c.want || ok != (c.want != nil) {
			t.Errorf("Find(%v, %q) = %v, %v", c.s, c.name, got, ok)
		}
	}
	if got := NewSet(local, slurm).Name(); got != "local" {
		t.Errorf("a set is called %q", got)
	}
}
