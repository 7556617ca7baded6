package schedtest

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stemma-data/stemma/internal/sched"
)

func testArray(t *testing.T, s *suite) {
	id, dir := s.start(t, `sbatch --array=0-3%2 --wrap 'echo task $SLURM_ARRAY_TASK_ID of $SLURM_ARRAY_JOB_ID; test $SLURM_ARRAY_TASK_ID != 2'`)
	d, err := s.Describe(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	var files, ids []string
	for _, n := range []string{"0", "1", "2", "3"} {
		files = append(files, filepath.Join(dir, "slurm-"+id+"_"+n+".out"))
		ids = append(ids, id+"_"+n)
	}
	if !slices.Equal(d.Files, files) || !slices.Equal(d.TaskIDs, ids) || d.Tasks != 4 {
		t.Errorf("description %+v", d)
	}
	st := s.until(t, query(id, 4), final)
	check(t, st, sched.Failed, sched.SomeComplete)
	for i, task := range st.Tasks {
		if task.ID != ids[i] || task.OwnID == "" || task.State.Success() != (i != 2) {
			t.Errorf("task %+v", task)
		}
	}
	if out, err := os.ReadFile(files[3]); err != nil || string(out) != "task 3 of "+id+"\n" {
		t.Errorf("output %q, %v", out, err)
	}
}

func testArrayList(t *testing.T, s *suite) {
	list := "1,4,9,16,25,36,49,64,81,100,121,144,169,196,225,256,289,324,361,400"
	id, dir := s.start(t, `sbatch --parsable --hold -a `+list+` --output='o/%A-%a.txt' --error='o/%x.err' --job-name='two words' --wrap true`)
	d, err := s.Describe(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if d.Tasks != 20 || len(d.TaskIDs) != 20 || len(d.Files) != 21 || d.Name != "two words" {
		t.Errorf("description %+v", d)
	}
	if !slices.Contains(d.Files, filepath.Join(dir, "o", id+"-400.txt")) || !slices.Contains(d.Files, filepath.Join(dir, "o", "two words.err")) {
		t.Errorf("files %v", d.Files)
	}
	if st := s.ask(t, query(id, 20)); st.State != sched.Held || len(st.Tasks) != 20 || st.Note == "" {
		t.Errorf("status %+v", st)
	}
}

func testCancelTask(t *testing.T, s *suite) {
	id, _ := s.start(t, `sbatch --parsable --array=1-2 --wrap 'test $SLURM_ARRAY_TASK_ID = 1 || sleep 60'`)
	s.until(t, query(id, 2), func(st sched.Status) bool {
		return len(st.Tasks) == 2 && st.Tasks[0].State.Final() && st.Tasks[1].State == sched.Running
	})
	if err := s.Cancel(t.Context(), []string{id + "_2"}); err != nil {
		t.Fatal(err)
	}
	check(t, s.until(t, query(id, 2), final), sched.Failed, sched.SomeComplete)
}
