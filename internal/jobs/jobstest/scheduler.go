package jobstest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stemma-data/stemma/internal/sched"
)

// sbatchScript is an sbatch that gives out ids and remembers the folder.
const sbatchScript = `#!/bin/sh
d=$FAKE_SCHED/jobs
n=101
if [ "$FAKE_MODE" = fail ]; then echo "sbatch: error: Batch job submission failed: Invalid partition name specified" >&2; exit 1; fi
while ! mkdir "$d/$n" 2>/dev/null; do n=$((n+1)); done
pwd -P > "$d/$n/dir"
for a; do case "$a" in --dependency=*) echo "${a#*=}" > "$d/$n/dependency";; --array=*) echo "${a#*=}" > "$d/$n/array";; esac; done
for a; do case "$a" in *arr.sh) [ -f "$d/$n/array" ] || sed -n 's/^#SBATCH --array=//p' "$a" > "$d/$n/array";; esac; done
echo "$*" > "$d/$n/args"
echo PENDING > "$d/$n/state"
case "$FAKE_MODE" in
timeout) echo "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation" >&2; exit 1;;
wrapper) echo "hello"; echo "Submitted batch job $n on cluster tiny"; echo "have a nice day";;
parsable) echo "$n";;
*) echo "sbatch: note" >&2; echo "Submitted batch job $n";;
esac
`

// Scheduler is a scheduler in a folder, shared by processes.
type Scheduler struct {
	Dir       string
	mu        sync.Mutex
	Queries   int
	NoDescr   bool
	Mute      bool // Query knows nothing
	Forgets   bool // it takes no dependency
	Cancelled []string
	arrayOf   int
	extraText []sched.Field
}

func (*Scheduler) Name() string { return "slurm" }

func (s *Scheduler) Environ() []string { return []string{"FAKE_SCHED=" + s.Dir} }

func (*Scheduler) ParseSubmission(out []byte) (string, string, bool) {
	return sched.ParseSubmission(out)
}

func (s *Scheduler) Cancel(_ context.Context, ids []string) error {
	s.Cancelled = append(s.Cancelled, ids...)
	return nil
}

// taskIDs are the tasks of an array, nil for another job.
func (s *Scheduler) taskIDs(id string) (ids []string) {
	list, err := sched.ParseTaskList(s.Read(id, "array"))
	for _, n := range list.IDs {
		if err == nil {
			ids = append(ids, fmt.Sprintf("%s_%d", id, n))
		}
	}
	return ids
}

// File is where the scheduler keeps something of a job.
func (s *Scheduler) File(id, name string) string {
	id, _, _ = strings.Cut(id, ";")
	return filepath.Join(s.Dir, "jobs", id, name)
}

// Read reads that.
func (s *Scheduler) Read(id, name string) string {
	b, _ := os.ReadFile(s.File(id, name))
	return strings.TrimSpace(string(b))
}

func (s *Scheduler) Describe(_ context.Context, id string) (sched.Description, error) {
	dir := s.Read(id, "dir")
	if dir == "" || s.NoDescr {
		return sched.Description{}, errors.New("no such job")
	}
	dependency := s.Read(id, "dependency")
	if s.Forgets {
		dependency = ""
	}
	if tasks := s.taskIDs(id); len(tasks) > 0 {
		d := sched.Description{Tasks: len(tasks), TaskIDs: tasks, TaskFiles: map[string][]string{}, Name: "job.sh", WorkDir: dir, Dependency: dependency}
		d.Fields = []sched.Field{{Key: "JobId", Value: id}}
		for _, task := range tasks {
			log := filepath.Join(dir, "slurm-"+task+".out")
			os.WriteFile(log, []byte("log of "+task+"\n"), 0o644)
			d.Files, d.TaskFiles[task] = append(d.Files, log), []string{log}
		}
		return d, nil
	}
	log := filepath.Join(dir, "slurm-"+strings.Split(id, ";")[0]+".out")
	os.WriteFile(log, []byte("log\n"), 0o644)
	return sched.Description{
		Dependency: dependency,
		Fields: append([]sched.Field{
			{Key: "JobId", Value: id}, {Key: "JobName", Value: "job.sh"}, {Key: "UserId", Value: "ada(1)"}, {Key: "GroupId", Value: "g(0)"},
			{Key: "Account", Value: "acc"}, {Key: "SubmitTime", Value: "2026-01-01T00:00:00"}, {Key: "WorkDir", Value: dir}, {Key: "StdOut", Value: log},
		}, s.extraText...),
		Files: []string{log}, Tasks: max(1, s.arrayOf), Name: "job.sh", WorkDir: dir,
	}, nil
}

func (s *Scheduler) Query(_ context.Context, qs []sched.Query) (map[string]sched.Status, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Queries++
	m := map[string]sched.Status{}
	for _, q := range qs {
		word := s.Read(q.ID, "state")
		if word == "" || s.Mute {
			m[q.ID] = sched.Status{ID: q.ID, State: sched.Unknown, Text: "UNKNOWN", Note: "the scheduler does not know it"}
			continue
		}
		id, _, _ := strings.Cut(q.ID, ";")
		if ids := s.taskIDs(id); len(ids) > 0 {
			st := sched.Status{ID: q.ID}
			for _, task := range ids {
				own := s.Read(id, "state_"+strings.Split(task, "_")[1])
				if own == "" {
					own = word
				}
				st.Tasks = append(st.Tasks, sched.Task{ID: task, State: sched.ParseState(own), Raw: own})
			}
			st.State, st.Text = sched.Summarize(st.Tasks)
			m[q.ID] = st
			continue
		}
		t := sched.Task{ID: id, State: sched.ParseState(word), Raw: word, NodeList: "node7", MaxRSS: 4096,
			Start: time.Unix(1000, 0).UTC(), End: time.Unix(1060, 0).UTC()}
		st, text := sched.Summarize([]sched.Task{t})
		m[q.ID] = sched.Status{ID: q.ID, State: st, Text: text, Tasks: []sched.Task{t}}
	}
	return m, nil
}

func (s *Scheduler) Candidates(_ context.Context, since time.Time) (list []sched.Candidate, err error) {
	ids, _ := os.ReadDir(filepath.Join(s.Dir, "jobs"))
	for _, e := range ids {
		fi, err := os.Stat(s.File(e.Name(), "dir"))
		if err != nil || fi.ModTime().Before(since) {
			continue
		}
		list = append(list, sched.Candidate{ID: e.Name(), Name: "job.sh", WorkDir: s.Read(e.Name(), "dir"), Submitted: fi.ModTime()})
	}
	return list, nil
}

// Set sets the state of a job.
func (s *Scheduler) Set(t *testing.T, id, state string) {
	t.Helper()
	if err := os.WriteFile(s.File(id, "state"), []byte(state), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Count is how many jobs were submitted.
func (s *Scheduler) Count(t *testing.T) int {
	t.Helper()
	ids, err := os.ReadDir(filepath.Join(s.Dir, "jobs"))
	if err != nil {
		t.Fatal(err)
	}
	return len(ids)
}
