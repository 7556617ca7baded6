package stages_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/jobs"
	"github.com/stemma-data/stemma/internal/jobs/finish"
	"github.com/stemma-data/stemma/internal/jobs/jobstest"
	"github.com/stemma-data/stemma/internal/jobs/schedule"
	"github.com/stemma-data/stemma/internal/jobs/stages"
	"github.com/stemma-data/stemma/internal/result"
)

func TestStages(t *testing.T) {
	b := jobstest.New(t)
	root, alt := jobstest.Area(t), jobstest.Area(t)
	opt := schedule.Options{Outputs: []string{"o"}, Inputs: []string{"in.txt"}, Isolated: root}
	one, two := b.Submit(opt), b.Submit(opt)
	b.Submit(schedule.Options{Outputs: []string{"p"}, Inputs: []string{"in.txt"}, AltDir: alt})
	b.Wrote(one, "o", "1st\n")
	b.Over(t, one)
	_, err := b.Finish(finish.Options{})
	jobstest.Must(t, err)
	show := func() (s string) {
		t.Helper()
		list, _, err := stages.List(t.Context(), b.D)
		jobstest.Must(t, err)
		for _, x := range list {
			s += x.JobID + " " + x.Kind + " " + x.State
			if x.Missing {
				s += " missing"
			}
			if x.Files == 0 || x.Inodes == 0 {
				s += " empty"
			}
			s += ";"
		}
		return s
	}
	if s := show(); s != "101 isolated committed;102 isolated open;103 alt-dir open;" {
		t.Error(s)
	}
	p, err := stages.Prune(t.Context(), b.D, true)
	if jobstest.Must(t, err); len(p.Stages) != 1 || p.Kept != 1 || show() != "101 isolated committed;102 isolated open;103 alt-dir open;" {
		t.Errorf("%+v", p)
	}
	p, err = stages.Prune(t.Context(), b.D, false)
	if jobstest.Must(t, err); len(p.Stages) != 1 || show() != "102 isolated open;103 alt-dir open;" {
		t.Errorf("%+v", p)
	}
	if _, err := os.Stat(b.Folder(two)); err != nil {
		t.Error(err)
	}
	// Without the ledger's memory, a folder that no open job has can go.
	jobstest.Must(t, jobs.Release(t.Context(), b.D, jobs.ReleaseOptions{JobID: two}, result.Discard))
	_, err = jobs.Prune(t.Context(), b.D, b.D.Now().Add(1e12))
	jobstest.Must(t, err)
	if s := show(); s != " isolated forgotten;103 alt-dir open;" {
		t.Error(s)
	}
	// A note that leads elsewhere is not followed.
	n := stages.Note{Root: filepath.Dir(b.Dir), Folder: b.Dir}
	text, _ := json.Marshal(n)
	jobstest.Must(t, os.WriteFile(filepath.Join(filepath.Join(commit.StateDir(b.D.Repo), "stages"), "ds.json"), text, 0o644))
	_, err = stages.Prune(t.Context(), b.D, false)
	if jobstest.Must(t, err); show() != "103 alt-dir open;" || !strings.Contains(b.Log.String(), "names no folder of a job") {
		t.Error(show())
	}
	if _, err := os.Stat(filepath.Join(b.Dir, "in.txt")); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(root); len(left) != 0 {
		t.Errorf("%v", left)
	}
}
