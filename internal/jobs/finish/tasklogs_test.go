package finish

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/jobs/jobpath"
	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/sched"
)

// TestLogNamesOfTasks: Slurm tells %j of a task that has not started as the id
// of its array.
func TestLogNamesOfTasks(t *testing.T) {
	for _, c := range []struct {
		name, pattern string
		files, logs   string // those that are there; those of the job
	}{
		{"own ids", "log-%.txt", "log-101.txt log-102.txt log-103.txt", "log-101.txt log-102.txt log-103.txt"},
		{"id of the array", "log-%.txt", "log-101.txt", "log-101.txt"},
		{"twice", "%/log-%.txt", "101/log-101.txt 101/log-102.txt 101/log-103.txt", "101/log-101.txt 101/log-102.txt 101/log-103.txt"},
		{"with the task", "log-%_@", "log-102_0 log-103_1 log-101_2", "log-101_2 log-102_0 log-103_1"},
		{"default", "slurm-%_@.out", "slurm-101_0.out slurm-101_1.out slurm-101_2.out", "slurm-101_0.out slurm-101_1.out slurm-101_2.out"},
	} {
		t.Run(c.name, func(t *testing.T) {
			top := t.TempDir()
			j := ledger.Job{JobID: "101", WorkTree: top, Outputs: []string{"o"}}
			desc := sched.Description{TaskFiles: map[string][]string{}}
			st := sched.Status{}
			for i, own := range []string{"102", "103", "101"} {
				id := "101_" + string(rune('0'+i))
				name := strings.NewReplacer("%", "101", "@", id[4:]).Replace(c.pattern)
				desc.Waiting = append(desc.Waiting, id)
				desc.TaskFiles[id] = []string{filepath.Join(top, name)}
				j.SlurmOutputs = jobpath.Union(j.SlurmOutputs, []string{name})
				st.Tasks = append(st.Tasks, sched.Task{ID: id, OwnID: own, State: sched.Completed})
			}
			for f := range strings.FieldsSeq(c.files) {
				must(t, os.MkdirAll(filepath.Join(top, filepath.Dir(f)), 0o755))
				must(t, os.WriteFile(filepath.Join(top, f), nil, 0o644))
			}
			o := &over{job: j, status: st}
			o.prov.TakeWaiting(&j, desc)
			if c.name == "default" && o.prov.Waiting != nil {
				t.Error("Slurm's default name is not doubtful")
			}
			o.nameLogs()
			if got := strings.Join(sorted(o.job.SlurmOutputs), " "); got != c.logs {
				t.Errorf("logs %s, want %s", got, c.logs)
			}
		})
	}
}

func sorted(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return list
}
