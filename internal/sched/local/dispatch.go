package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"syscall"

	"github.com/stemma-data/stemma/internal/sched"
)

// dispatch brings the state up to date and starts what may start. The lock
// must be held. An error of one job does not stop the others.
func (s *Scheduler) dispatch() error {
	ids, err := s.openJobs()
	if err != nil {
		return fmt.Errorf("list local jobs: %w", err)
	}
	var views []*view
	var failures []error
	running := 0
	for _, id := range ids {
		v, err := s.load(id)
		if errors.Is(err, fs.ErrNotExist) {
			continue // never submitted completely
		} else if err != nil {
			failures = append(failures, err)
			continue
		}
		failures = append(failures, s.reconcile(v))
		views = append(views, v)
		running += v.running(s.host)
	}
	for _, v := range views {
		n, err := s.startTasks(v, s.slots-running)
		running += n
		failures = append(failures, err)
		if v.over() {
			failures = append(failures, os.Remove(s.openMark(v.ID)))
		}
	}
	return errors.Join(failures...)
}

// running counts the tasks that take a slot on host.
func (v *view) running(host string) (n int) {
	for _, t := range v.tasks {
		if !t.State.Final() && t.Host == host {
			n++
		}
	}
	return n
}

// reconcile finds tasks whose supervisor is gone: nobody knows how they
// would have ended.
func (s *Scheduler) reconcile(v *view) error {
	for key, t := range v.tasks {
		if t.State.Final() || t.Host != s.host && t.Boot != s.boot {
			continue
		}
		lock, err := s.aliveLock(v.ID, key)
		if errors.Is(err, errAlive) && t.Boot == s.boot {
			continue
		}
		if lock != nil {
			defer lock.Close()
		} else if !errors.Is(err, errAlive) {
			return err
		}
		// The supervisor may have written its last word just before.
		if err := readJSON(s.jobFile(v.ID, "task"+key+".json"), t); err != nil {
			return err
		}
		if t.State.Final() {
			continue
		}
		s.killOrphan(t)
		t.State, t.Raw, t.Reason, t.End = sched.NodeFail, "NODE_FAIL", "the job's supervisor is gone", s.now()
		if t.Boot != s.boot {
			t.Reason = "the machine was restarted"
		} else if s.cancelAsked(v.ID, key) {
			t.State, t.Raw, t.Reason = sched.Cancelled, cancelledBy(), "cancelled"
		}
		if err := s.saveTask(v, key, t); err != nil {
			return err
		}
	}
	return nil
}

// killOrphan ends a script that outlived its supervisor.
func (s *Scheduler) killOrphan(t *taskState) {
	if t.Boot == s.boot && t.Script > 1 && t.ScriptTime != "" && processStart(t.Script) == t.ScriptTime {
		_ = syscall.Kill(-t.Script, syscall.SIGKILL)
	}
}

// startTasks starts what it may of one job, at most free tasks.
func (s *Scheduler) startTasks(v *view, free int) (started int, err error) {
	if v.Host != s.host || v.Hold || v.Begin.After(s.now()) {
		return 0, nil
	}
	switch s.dependency(v) {
	case waits:
		return 0, nil
	case never:
		if v.KillInvalid {
			return 0, s.cancelPending(v, v.keys(), "CANCELLED", neverSatisfied)
		}
		return 0, nil
	}
	if v.Limit > 0 {
		free = min(free, v.Limit-v.running(s.host))
	}
	for _, key := range v.keys() {
		if v.tasks[key] != nil {
			continue
		}
		if started >= free {
			break
		}
		if err := s.launch(v, key); err != nil {
			return started, err
		}
		started++
	}
	return started, nil
}

// launch starts a supervisor, which inherits the lock that says it lives. It
// waits for our lock and gives up unless it finds itself in the state file.
func (s *Scheduler) launch(v *view, key string) error {
	alive, err := s.aliveLock(v.ID, key)
	if err != nil {
		return err
	}
	defer alive.Close()
	log, err := os.OpenFile(s.jobFile(v.ID, "supervisor.log"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(v.Self)
	cmd.Args = []string{SupervisorName, s.dir, v.id() + key}
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = "/", log, log, []*os.File{alive}
	cmd.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start supervisor of job %s: %w", v.id()+key, err)
	}
	t := &taskState{State: sched.Running, Raw: "RUNNING", Start: s.now(), Host: s.host, Boot: s.boot, Supervisor: cmd.Process.Pid}
	if err := s.saveTask(v, key, t); err != nil {
		_ = cmd.Process.Kill()
		return err
	}
	return cmd.Process.Release()
}
