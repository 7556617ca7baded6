package jobs

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/ledger"
)

func TestDamagedLedgerIsRebuilt(t *testing.T) {
	b := newBench(t)
	b.submit(ScheduleOptions{Outputs: []string{"o"}})
	must(t, os.WriteFile(filepath.Join(commit.StateDir(b.d.Repo), ledger.FileName), bytes.Repeat([]byte("no database "), 999), 0o644))
	b.write("o", "x")
	b.s.set(t, "101", "COMPLETED")
	lines, err := b.finish(FinishOptions{})
	if err != nil || len(lines) != 1 || lines[0] != "ok Slurm job 101: Completed" {
		t.Fatal(lines, err)
	}
	if !strings.Contains(b.log.String(), "the ledger was damaged") {
		t.Error(b.log)
	}
}

// TestRebuiltLedgerKeepsTheOrder: jobs are committed in the order they were
// scheduled in.
func TestRebuiltLedgerKeepsTheOrder(t *testing.T) {
	b := newBench(t)
	var want []string
	for i := range 5 {
		name := fmt.Sprintf("o%d", i)
		id := b.submit(ScheduleOptions{Outputs: []string{name}})
		b.write(name, "x")
		b.s.set(t, id, "COMPLETED")
		want = append(want, "ok Slurm job "+id+": Completed")
	}
	must(t, os.WriteFile(filepath.Join(commit.StateDir(b.d.Repo), ledger.FileName), []byte("no database"), 0o644))
	lines, err := b.finish(FinishOptions{})
	if err != nil || !slices.Equal(lines, want) {
		t.Errorf("%q %v", lines, err)
	}
}
