package jobdb_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/jobs/finish"
	"github.com/stemma-data/stemma/internal/jobs/jobstest"
	"github.com/stemma-data/stemma/internal/jobs/schedule"
	"github.com/stemma-data/stemma/internal/ledger"
)

func TestDamagedLedgerIsRebuilt(t *testing.T) {
	b := jobstest.New(t)
	b.Submit(schedule.Options{Outputs: []string{"o"}})
	jobstest.Must(t, os.WriteFile(filepath.Join(commit.StateDir(b.D.Repo), ledger.FileName), bytes.Repeat([]byte("no database "), 999), 0o644))
	b.Write("o", "x")
	b.S.Set(t, "101", "COMPLETED")
	lines, err := b.Finish(finish.Options{})
	if err != nil || len(lines) != 1 || lines[0] != "ok Slurm job 101: Completed" {
		t.Fatal(lines, err)
	}
	if !strings.Contains(b.Log.String(), "the ledger was damaged") {
		t.Error(b.Log)
	}
}

// TestRebuiltLedgerKeepsTheOrder: jobs are committed in the order they were
// scheduled in.
func TestRebuiltLedgerKeepsTheOrder(t *testing.T) {
	b := jobstest.New(t)
	var want []string
	for i := range 5 {
		name := fmt.Sprintf("o%d", i)
		id := b.Submit(schedule.Options{Outputs: []string{name}})
		b.Write(name, "x")
		b.S.Set(t, id, "COMPLETED")
		want = append(want, "ok Slurm job "+id+": Completed")
	}
	jobstest.Must(t, os.WriteFile(filepath.Join(commit.StateDir(b.D.Repo), ledger.FileName), []byte("no database"), 0o644))
	lines, err := b.Finish(finish.Options{})
	if err != nil || !slices.Equal(lines, want) {
		t.Errorf("%q %v", lines, err)
	}
}
