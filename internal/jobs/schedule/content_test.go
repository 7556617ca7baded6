package schedule_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stemma-data/stemma/internal/jobs/finish"
	"github.com/stemma-data/stemma/internal/jobs/jobstest"
	"github.com/stemma-data/stemma/internal/jobs/schedule"
)

func TestAbsentContent(t *testing.T) {
	b := jobstest.New(t)
	b.Write("in.dat", "\x01in")
	b.Write("out.dat", "\x01out")
	b.Save()
	b.Git("annex", "drop", "--force", "in.dat", "out.dat")
	_, err := b.Schedule(schedule.Options{Outputs: []string{"o"}, Inputs: []string{"in.dat"}})
	jobstest.WantErr(t, err, "in.dat", "not available")
	b.Mode("fail")
	_, err = b.Schedule(schedule.Options{Outputs: []string{"out.dat"}})
	jobstest.WantErr(t, err, "Invalid partition")
	if _, err := os.Readlink(filepath.Join(b.Dir, "out.dat")); err != nil {
		t.Error("the link of the output is not back")
	}
	b.Mode("")
	b.Submit(schedule.Options{Outputs: []string{"out.dat"}})
	b.Write("out.dat", "\x01new")
	b.S.Set(t, "101", "COMPLETED")
	if lines, err := b.Finish(finish.Options{}); err != nil || lines[0] != "ok Slurm job 101: Completed" {
		t.Error(lines, err)
	}
}
