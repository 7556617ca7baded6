package jobs

import (
	"os"
	"path/filepath"
	"testing"
)

func TestAbsentContent(t *testing.T) {
	b := newBench(t)
	b.write("in.dat", "\x01in")
	b.write("out.dat", "\x01out")
	b.save()
	b.git("annex", "drop", "--force", "in.dat", "out.dat")
	_, err := b.schedule(ScheduleOptions{Outputs: []string{"o"}, Inputs: []string{"in.dat"}})
	wantErr(t, err, "in.dat", "not available")
	b.mode("fail")
	_, err = b.schedule(ScheduleOptions{Outputs: []string{"out.dat"}})
	wantErr(t, err, "Invalid partition")
	if _, err := os.Readlink(filepath.Join(b.dir, "out.dat")); err != nil {
		t.Error("the link of the output is not back")
	}
	b.mode("")
	b.submit(ScheduleOptions{Outputs: []string{"out.dat"}})
	b.write("out.dat", "\x01new")
	b.s.set(t, "101", "COMPLETED")
	if lines, err := b.finish(FinishOptions{}); err != nil || lines[0] != "ok Slurm job 101: Completed" {
		t.Error(lines, err)
	}
}
