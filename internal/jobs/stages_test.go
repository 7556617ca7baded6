package jobs

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/result"
)

func TestStages(t *testing.T) {
	b := newBench(t)
	root, alt := area(t), area(t)
	opt := ScheduleOptions{Outputs: []string{"o"}, Inputs: []string{"in.txt"}, Isolated: root}
	one, two := b.submit(opt), b.submit(opt)
	b.submit(ScheduleOptions{Outputs: []string{"p"}, Inputs: []string{"in.txt"}, AltDir: alt})
	b.wrote(one, "o", "1st\n")
	b.over(t, one)
	_, err := b.finish(FinishOptions{})
	must(t, err)
	show := func() (s string) {
		t.Helper()
		list, _, err := Stages(t.Context(), b.d)
		must(t, err)
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
	p, err := PruneStages(t.Context(), b.d, true)
	if must(t, err); len(p.Stages) != 1 || p.Kept != 1 || show() != "101 isolated committed;102 isolated open;103 alt-dir open;" {
		t.Errorf("%+v", p)
	}
	p, err = PruneStages(t.Context(), b.d, false)
	if must(t, err); len(p.Stages) != 1 || show() != "102 isolated open;103 alt-dir open;" {
		t.Errorf("%+v", p)
	}
	if _, err := os.Stat(b.folder(two)); err != nil {
		t.Error(err)
	}
	// Without the ledger's memory, a folder that no open job has can go.
	must(t, Release(t.Context(), b.d, ReleaseOptions{JobID: two}, result.Discard))
	_, err = Prune(t.Context(), b.d, b.d.Now().Add(1e12))
	must(t, err)
	if s := show(); s != " isolated forgotten;103 alt-dir open;" {
		t.Error(s)
	}
	// A note that leads elsewhere is not followed.
	n := stageNote{Root: filepath.Dir(b.dir), Folder: b.dir}
	text, _ := json.Marshal(n)
	must(t, os.WriteFile(filepath.Join(filepath.Join(commit.StateDir(b.d.Repo), "stages"), "ds.json"), text, 0o644))
	_, err = PruneStages(t.Context(), b.d, false)
	if must(t, err); show() != "103 alt-dir open;" || !strings.Contains(b.log.String(), "names no folder of a job") {
		t.Error(show())
	}
	if _, err := os.Stat(filepath.Join(b.dir, "in.txt")); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(root); len(left) != 0 {
		t.Errorf("%v", left)
	}
}
