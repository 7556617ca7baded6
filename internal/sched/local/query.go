package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/sched"
)

// Query brings the state up to date, starts what may start, and reads the
// jobs' files.
func (s *Scheduler) Query(ctx context.Context, jobs []sched.Query) (map[string]sched.Status, error) {
	trouble := s.locked(ctx, s.dispatch)
	result := make(map[string]sched.Status, len(jobs))
	for _, q := range jobs {
		st := s.status(q)
		if trouble != nil && !st.State.Final() && st.Note == "" {
			st.Note = trouble.Error()
		}
		result[q.ID] = st
	}
	return result, ctx.Err()
}

func (s *Scheduler) status(q sched.Query) sched.Status {
	st := sched.Status{ID: q.ID, State: sched.Unknown, Text: string(sched.Unknown)}
	id, _, ok := splitID(q.ID)
	if !ok {
		st.Note = "this is not a job id"
		return st
	}
	v, err := s.load(id)
	if err != nil {
		st.Note = "the local scheduler does not know the job"
		if !errors.Is(err, fs.ErrNotExist) {
			st.Note = err.Error()
		}
		return st
	}
	if at := v.Submitted.Truncate(time.Second); !q.Stamp.IsZero() && !at.Equal(q.Stamp) {
		st.Note = "the local scheduler has given its id to another job, submitted " + at.Local().Format(time.DateTime) +
			": how this one ended is not known, look at its outputs"
		return st
	}
	wait := s.waiting(v)
	for _, key := range v.keys() {
		st.Tasks = append(st.Tasks, s.task(v, key, wait))
	}
	st.State, st.Text = sched.Summarize(st.Tasks)
	if st.NeverStarts = wait.Reason == neverSatisfied && !v.over(); st.NeverStarts {
		st.Note = "a job that this one depends on has failed, so it never starts: scancel " + v.id()
	} else if st.State == sched.Held {
		st.Note = "the job was submitted with --hold: scancel " + v.id() + " and submit it without"
	} else if v.Host != s.host && !st.State.Final() {
		st.Note = "the job belongs to the machine " + v.Host + ": ask there"
	}
	return st
}

// waiting describes the tasks of a job that have not started.
func (s *Scheduler) waiting(v *view) sched.Task {
	t := sched.Task{State: sched.Pending, Raw: "PENDING", Reason: "Resources"}
	switch {
	case v.Hold:
		t.State, t.Reason = sched.Held, "JobHeldUser"
	case v.Begin.After(s.now()):
		t.Reason = "BeginTime"
	default:
		switch s.dependency(v) {
		case never:
			t.Reason = neverSatisfied
		case waits:
			t.Reason = "Dependency"
		}
	}
	return t
}

func (s *Scheduler) task(v *view, key string, wait sched.Task) sched.Task {
	t := v.tasks[key]
	if t == nil {
		wait.ID = v.id() + key
		return wait
	}
	return sched.Task{ID: v.id() + key, OwnID: v.ownID(key), State: t.State, Raw: t.Raw, ExitCode: t.ExitCode, Signal: t.Signal,
		Start: t.Start, End: t.End, NodeList: t.Host, MaxRSS: t.MaxRSS, Reason: t.Reason}
}

// Describe reads a job's files. Its fields have the names of scontrol.
func (s *Scheduler) Describe(_ context.Context, id string) (sched.Description, error) {
	number, _, ok := splitID(id)
	if !ok {
		return sched.Description{}, fmt.Errorf("describe job %q: not a job id", id)
	}
	v, err := s.load(number)
	if err != nil {
		return sched.Description{}, fmt.Errorf("describe job %s: %w", id, err)
	}
	keys := v.keys()
	d := sched.Description{Submitted: v.Submitted.Truncate(time.Second), Tasks: len(keys), Name: v.Name, WorkDir: v.WorkDir, Dependency: v.Dependency}
	d.Fields = s.fields(v, keys[0])
	seen := map[string]bool{os.DevNull: true}
	d.TaskFiles = map[string][]string{}
	for _, key := range keys {
		d.TaskIDs = append(d.TaskIDs, v.id()+key)
		stdout, stderr := v.files(key, s.host)
		for _, path := range []string{stdout, stderr} {
			if own := d.TaskFiles[v.id()+key]; path != os.DevNull && !slices.Contains(own, path) {
				d.TaskFiles[v.id()+key] = append(own, path)
			}
			if !seen[path] {
				seen[path] = true
				d.Files = append(d.Files, path)
			}
		}
	}
	return d, nil
}

func (s *Scheduler) fields(v *view, key string) []sched.Field {
	t := s.task(v, key, s.waiting(v))
	stdout, stderr := v.files(key, s.host)
	fields := []sched.Field{{Key: "JobId", Value: v.ownID(key)}}
	if len(v.Array) > 0 {
		fields = append(fields, sched.Field{Key: "ArrayJobId", Value: v.id()}, sched.Field{Key: "ArrayTaskId", Value: key[1:]})
	}
	limit := "UNLIMITED"
	if v.TimeLimit > 0 {
		limit = time.Duration(v.TimeLimit * int64(time.Second)).String()
	}
	for _, f := range [][2]string{
		{"JobName", v.Name}, {"UserId", fmt.Sprintf("%s(%d)", v.User, os.Getuid())}, {"JobState", sched.Word(t.Raw)}, {"Reason", orNull(t.Reason)},
		{"Dependency", orNull(v.Dependency)}, {"TimeLimit", limit}, {"SubmitTime", v.Submitted.Local().Format("2006-01-02T15:04:05")},
		{"NumTasks", strconv.Itoa(v.NTasks)}, {"CPUs/Task", strconv.Itoa(v.CPUs)}, {"Command", orNull(v.Command)}, {"WorkDir", v.WorkDir},
		{"StdErr", stderr}, {"StdIn", os.DevNull}, {"StdOut", stdout},
	} {
		fields = append(fields, sched.Field{Key: f[0], Value: f[1]})
	}
	return fields
}

func orNull(text string) string {
	if text == "" {
		return "(null)"
	}
	return text
}

// Candidates lists the jobs of this state folder, which are all our own.
func (s *Scheduler) Candidates(ctx context.Context, since time.Time) ([]sched.Candidate, error) {
	ids, err := numbersIn(filepath.Join(s.dir, "jobs"))
	if err != nil {
		return nil, fmt.Errorf("list local jobs: %w", err)
	}
	var list []sched.Candidate
	for i := len(ids) - 1; i >= 0 && ctx.Err() == nil; i-- {
		j := &job{}
		if err := readJSON(s.jobFile(ids[i], "job.json"), j); err != nil {
			continue // a number of an array task, or never submitted completely
		}
		if j.Submitted.Before(since) {
			break // ids ascend with time
		}
		list = append([]sched.Candidate{{ID: j.id(), Name: j.Name, WorkDir: j.WorkDir, Submitted: j.Submitted}}, list...)
	}
	return list, ctx.Err()
}

// Cancel ends pending tasks at once and asks the supervisors of running ones
// to end theirs.
func (s *Scheduler) Cancel(ctx context.Context, ids []string) error {
	return s.locked(ctx, func() error {
		var failures []error
		for _, id := range ids {
			if err := s.cancel(id); err != nil {
				failures = append(failures, fmt.Errorf("cancel job %s: %w", id, err))
			}
		}
		return errors.Join(append(failures, s.dispatch())...)
	})
}

func (s *Scheduler) cancel(id string) error {
	number, key, ok := splitID(id)
	if !ok {
		return errors.New("not a job id")
	}
	v, err := s.load(number)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	keys := v.keys()
	if strings.HasPrefix(key, "_") {
		keys = []string{key}
	}
	if err := s.cancelPending(v, keys, cancelledBy(), ""); err != nil {
		return err
	}
	for _, key := range keys {
		if t := v.tasks[key]; t != nil && !t.State.Final() {
			if t.Boot != s.boot {
				return fmt.Errorf("it runs on the machine %s: cancel it there", t.Host)
			}
			if err := s.endTask(number, key, t); err != nil {
				return err
			}
		}
	}
	return nil
}

// endTask leaves a mark, so that nobody takes the end for a failure, and
// tells the supervisor if it is one.
func (s *Scheduler) endTask(id int, key string, t *taskState) error {
	if err := fsx.WriteFile(s.jobFile(id, "cancel"+key), nil, 0o600); err != nil {
		return err
	}
	lock, err := s.aliveLock(id, key)
	if errors.Is(err, errAlive) {
		return syscall.Kill(t.Supervisor, syscall.SIGTERM)
	} else if err != nil {
		return err
	}
	return lock.Close()
}

// cancelPending closes the given tasks as far as they have not started.
func (s *Scheduler) cancelPending(v *view, keys []string, raw, reason string) error {
	for _, key := range keys {
		if v.tasks[key] != nil || !v.has(key) {
			continue
		}
		t := &taskState{State: sched.Cancelled, Raw: raw, End: s.now(), Host: s.host, Boot: s.boot, Reason: reason}
		if err := s.saveTask(v, key, t); err != nil {
			return err
		}
	}
	return nil
}

func (v *view) has(key string) bool {
	for _, k := range v.keys() {
		if k == key {
			return true
		}
	}
	return false
}

func (s *Scheduler) cancelAsked(id int, key string) bool {
	_, err := os.Stat(s.jobFile(id, "cancel"+key))
	return err == nil
}

func cancelledBy() string { return "CANCELLED by " + strconv.Itoa(os.Getuid()) }
