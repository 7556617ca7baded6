package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/stemma-data/stemma/internal/fsx"
)

// maxState bounds a state file; arguments and environment fit easily.
const maxState = 16 << 20

// locked runs f while no other process submits, starts or cancels jobs.
func (s *Scheduler) locked(ctx context.Context, f func() error) error {
	if err := s.makeShims(); err != nil {
		return err
	}
	lock, err := fsx.LockFile(ctx, filepath.Join(s.dir, "lock"), true)
	if err != nil {
		return fmt.Errorf("lock local scheduler: %w", err)
	}
	defer lock.Unlock()
	return f()
}

func (s *Scheduler) jobDir(id int) string {
	return filepath.Join(s.dir, "jobs", strconv.Itoa(id))
}

func (s *Scheduler) jobFile(id int, name string) string { return filepath.Join(s.jobDir(id), name) }

func (s *Scheduler) openMark(id int) string { return filepath.Join(s.dir, "open", strconv.Itoa(id)) }

func writeJSON(path string, v any) error {
	data, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return fsx.WriteFile(path, append(data, '\n'), 0o600)
}

func readJSON(path string, v any) error {
	info, err := os.Stat(path)
	if err == nil && info.Size() > maxState {
		err = fmt.Errorf("read %s: %d bytes are too many", path, info.Size())
	}
	if err != nil {
		return err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return nil
}

// view is a job with what became of its tasks; a missing task is pending.
type view struct {
	*job
	tasks map[string]*taskState
}

// load reads a job. It returns fs.ErrNotExist for one that was never
// submitted completely.
func (s *Scheduler) load(id int) (*view, error) {
	v := &view{job: &job{}, tasks: map[string]*taskState{}}
	if err := readJSON(s.jobFile(id, "job.json"), v.job); err != nil {
		return nil, err
	}
	for _, key := range v.keys() {
		t := &taskState{}
		err := readJSON(s.jobFile(id, "task"+key+".json"), t)
		if err == nil {
			v.tasks[key] = t
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return v, nil
}

// saveTask makes a task's state durable.
func (s *Scheduler) saveTask(v *view, key string, t *taskState) error {
	v.tasks[key] = t
	return writeJSON(s.jobFile(v.ID, "task"+key+".json"), t)
}

// over holds if every task has ended.
func (v *view) over() bool {
	for _, key := range v.keys() {
		if t := v.tasks[key]; t == nil || !t.State.Final() {
			return false
		}
	}
	return true
}

// openJobs lists the ids of jobs that are not over, oldest first.
func (s *Scheduler) openJobs() ([]int, error) {
	return numbersIn(filepath.Join(s.dir, "open"))
}

func numbersIn(dir string) (ids []int, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, e := range entries {
		if id, err := strconv.Atoi(e.Name()); err == nil {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids, nil
}

// reserve takes n ids that follow each other. Making a folder decides between
// machines that share the state folder.
func (s *Scheduler) reserve(n int) (first int, err error) {
	hint := filepath.Join(s.dir, "next")
	_ = readJSON(hint, &first)
	if first < 1 {
		ids, err := numbersIn(filepath.Join(s.dir, "jobs"))
		if err != nil {
			return 0, err
		}
		first = 1
		if len(ids) > 0 {
			first = ids[len(ids)-1] + 1
		}
	}
	for got := 0; got < n; {
		switch err := os.Mkdir(s.jobDir(first+got), 0o700); {
		case err == nil:
			got++
		case errors.Is(err, fs.ErrExist):
			first, got = first+got+1, 0
		default:
			return 0, err
		}
	}
	return first, os.WriteFile(hint, []byte(strconv.Itoa(first+n)), 0o600)
}

// aliveLock takes the lock that a supervisor holds for its life. It fails
// with errAlive while there is one.
func (s *Scheduler) aliveLock(id int, key string) (*os.File, error) {
	f, err := os.OpenFile(s.jobFile(id, "alive"+key), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		return f, nil
	}
	f.Close()
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, errAlive
	}
	return nil, fmt.Errorf("lock for supervisor of job %d: %w (put the state folder on a local file system)", id, err)
}

var errAlive = errors.New("supervisor is alive")
