package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/sched"
)

// Exit codes of sbatch.
const (
	exitRefused = 1
	exitUsage   = 255
)

// Sbatch plays sbatch: it submits a job and returns the exit code. Options
// that mean nothing on one machine are named in a warning and ignored.
func (s *Scheduler) Sbatch(ctx context.Context, c Call) int {
	g := &given{}
	if err := g.parseArgs(c.Args); err != nil {
		return usageError(c, err)
	}
	if g.has("version") || g.has("help") {
		fmt.Fprintln(c.Stdout, "sbatch of the local scheduler of stemma; options as in sbatch(1)")
		return 0
	}
	sc, err := readScript(g, c)
	if err != nil {
		return refuse(c, err)
	}
	fromScript, err := directives(sc.text)
	if err != nil {
		return usageError(c, err)
	}
	g.under(fromScript)
	j, err := s.newJob(g, sc, c)
	if err != nil {
		return usageError(c, err)
	}
	if err := s.submit(ctx, j, sc.text, exported(c.Env, g.values["export"])); err != nil {
		return refuse(c, err)
	}
	s.answer(g, j, c)
	if g.has("wait") {
		return s.waitFor(ctx, j)
	}
	return 0
}

func usageError(c Call, err error) int {
	fmt.Fprintf(c.Stderr, "sbatch: error: %v\n", err)
	return exitUsage
}

func refuse(c Call, err error) int {
	fmt.Fprintf(c.Stderr, "sbatch: error: %v\n", err)
	return exitRefused
}

func (s *Scheduler) answer(g *given, j *job, c Call) {
	if len(g.ignored) > 0 && !g.has("quiet") {
		fmt.Fprintf(c.Stderr, "sbatch: warning: ignored by the local scheduler: %s\n", strings.Join(g.ignored, " "))
	}
	switch {
	case g.has("parsable"):
		fmt.Fprintln(c.Stdout, j.ID)
	case !g.has("quiet"):
		fmt.Fprintf(c.Stdout, "Submitted batch job %d\n", j.ID)
	}
}

// newJob turns options into a job without a number.
func (s *Scheduler) newJob(g *given, sc script, c Call) (*job, error) {
	j := &job{Name: sc.name, Command: sc.command, WorkDir: c.Dir, SubmitDir: c.Dir, NTasks: 1, CPUs: 1, Output: "slurm-%j.out",
		Submitted: s.now(), Host: s.host, Self: s.self, Slots: s.slots, User: lookup(c.Env, "USER")}
	if len(g.rest) > 1 {
		j.Args = g.rest[1:]
	}
	if j.User == "" {
		j.User = lookup(c.Env, "LOGNAME")
	}
	if g.has("array") {
		j.Output = "slurm-%A_%a.out"
	}
	for name, target := range map[string]*string{"job-name": &j.Name, "output": &j.Output, "error": &j.Error, "input": &j.Input, "dependency": &j.Dependency} {
		if g.has(name) {
			*target = g.values[name]
		}
	}
	if dir, ok := g.values["chdir"]; ok {
		j.WorkDir = dir
		if !filepath.IsAbs(dir) {
			j.WorkDir = filepath.Join(c.Dir, dir)
		}
	}
	j.Append = g.values["open-mode"] == "append"
	j.Hold = g.has("hold")
	j.KillInvalid = g.values["kill-on-invalid-dep"] == "yes"
	return j, j.parseValues(g, s.now())
}

// maxArray bounds an array here; it is Slurm's default for MaxArraySize.
const maxArray = 1001

// parseValues reads the options that have a grammar.
func (j *job) parseValues(g *given, now time.Time) (err error) {
	if spec, ok := g.values["array"]; ok {
		list, err := sched.ParseTaskList(spec)
		if err != nil || list.Truncated || len(list.IDs) == 0 || len(list.IDs) > maxArray {
			return refusal(fmt.Sprintf("Invalid job array specification %q (at most %d tasks)", spec, maxArray))
		}
		j.Array, j.Limit = list.IDs, list.Limit
	}
	if text, ok := g.values["time"]; ok {
		if j.TimeLimit, err = parseLimit(text); err != nil {
			return err
		}
	}
	if text, ok := g.values["begin"]; ok {
		if j.Begin, err = parseBegin(text, now); err != nil {
			return err
		}
	}
	for name, target := range map[string]*int{"ntasks": &j.NTasks, "cpus-per-task": &j.CPUs} {
		if text, ok := g.values[name]; ok {
			if *target, err = strconv.Atoi(text); err != nil || *target < 1 {
				return refusal(fmt.Sprintf("Invalid numeric value %q for --%s", text, name))
			}
		}
	}
	_, _, err = parseDependency(j.Dependency)
	return err
}

// exported applies --export. The SLURM variables of a surrounding job do not
// reach this one.
func exported(env []string, export string) (list []string) {
	all, named, set := export == "", map[string]bool{}, []string(nil)
	for item := range strings.SplitSeq(export, ",") {
		switch name, _, hasValue := strings.Cut(item, "="); {
		case item == "ALL":
			all = true
		case hasValue:
			set = append(set, item)
		case item != "NONE":
			named[name] = true
		}
	}
	for _, kv := range env {
		name, _, _ := strings.Cut(kv, "=")
		inner := strings.HasPrefix(name, "SLURM_JOB") || strings.HasPrefix(name, "SLURM_ARRAY_")
		if !inner && (all || named[name] || strings.HasPrefix(name, "SLURM_")) {
			list = append(list, kv)
		}
	}
	return append(list, set...)
}

// submit makes the job durable and starts what may start.
func (s *Scheduler) submit(ctx context.Context, j *job, text []byte, env []string) error {
	return s.locked(ctx, func() error {
		var err error
		if j.ID, err = s.reserve(len(j.keys())); err != nil {
			return fmt.Errorf("submit local job: %w", err)
		}
		if err := fsx.WriteFile(s.jobFile(j.ID, "script"), text, 0o700); err != nil {
			return err
		}
		if err := writeJSON(s.jobFile(j.ID, "env.json"), env); err != nil {
			return err
		}
		if err := fsx.WriteFile(s.openMark(j.ID), nil, 0o600); err != nil {
			return err
		}
		if err := writeJSON(s.jobFile(j.ID, "job.json"), j); err != nil {
			return errors.Join(err, os.Remove(s.openMark(j.ID)))
		}
		return s.afterSubmit()
	})
}

// afterSubmit starts what may start. The job is submitted whatever comes of
// it: trouble shows when its state is asked for.
func (s *Scheduler) afterSubmit() error {
	_ = s.dispatch()
	return nil
}

// waitFor returns the highest exit code of the job's tasks, as sbatch --wait.
func (s *Scheduler) waitFor(ctx context.Context, j *job) int {
	for {
		v, err := s.load(j.ID)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return exitRefused
		}
		if err == nil && v.over() {
			code := 0
			for _, t := range v.tasks {
				code = max(code, t.waitCode())
			}
			return code
		}
		select {
		case <-ctx.Done():
			return exitRefused
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func (t *taskState) waitCode() int {
	if t.State.Success() || t.ExitCode > 0 {
		return t.ExitCode
	}
	return exitRefused
}
