package slurm

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/stemma-data/stemma/internal/sched"
)

// shown is one record of scontrol show job.
type shown []sched.Field

// show runs scontrol show job for one job.
func (s *Slurm) show(ctx context.Context, cluster, id string) ([]shown, error) {
	args := append(onCluster(cluster), "show", "job", id)
	out, err := s.output(ctx, "scontrol", args, []string{"SLURM_TIME_FORMAT=standard"})
	if err != nil {
		return nil, err
	}
	return parseShow(string(out)), nil
}

// Describe runs scontrol show job once.
func (s *Slurm) Describe(ctx context.Context, id string) (sched.Description, error) {
	plain, cluster, _ := strings.Cut(id, ";")
	if !isNumber(plain) {
		return sched.Description{}, fmt.Errorf("describe job %q: not a job id", id)
	}
	jobs, err := s.show(ctx, cluster, plain)
	if err == nil && len(jobs) == 0 {
		err = fmt.Errorf("scontrol: no job in its answer")
	}
	if err != nil {
		return sched.Description{}, fmt.Errorf("describe job %s: %w", id, err)
	}
	return describe(plain, jobs), nil
}

// parseShow splits the answer of scontrol show job, with or without -o.
func parseShow(text string) (jobs []shown) {
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, "JobId=") {
			jobs = append(jobs, nil)
		}
		if n := len(jobs); n > 0 {
			jobs[n-1] = append(jobs[n-1], parseShowLine(strings.TrimLeft(line, " "))...)
		}
	}
	return jobs
}

// alone lists the keys that have a line for themselves, so that blanks and
// equal signs in the rest of the line belong to the value.
var alone = []string{"Command", "WorkDir", "StdErr", "StdIn", "StdOut", "Comment", "AdminComment", "SystemComment", "Extra", "SubmitLine"}

// nextKey finds where the next KEY= begins.
var nextKey = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(` +[A-Z][A-Za-z0-9_:/.-]*=`)
})

func parseShowLine(line string) (fields shown) {
	for line != "" {
		key, rest, ok := strings.Cut(line, "=")
		if !ok {
			return fields
		}
		end, next := len(rest), len(rest)
		if !takesRest(key, rest) {
			if at := nextKey().FindStringIndex(rest); at != nil {
				end = at[0]
				next = at[0] + len(rest[at[0]:]) - len(strings.TrimLeft(rest[at[0]:], " "))
			}
		}
		fields = append(fields, sched.Field{Key: key, Value: strings.TrimRight(rest[:end], " ")})
		line = rest[next:]
	}
	return fields
}

// takesRest holds for keys that end their line in the long form. The one
// line of -o shows by the keys that follow in it.
func takesRest(key, rest string) bool {
	if key == "JobName" {
		return !strings.Contains(rest, " UserId=")
	}
	return slices.Contains(alone, key) && !strings.Contains(rest, " WorkDir=/") &&
		!strings.Contains(rest, " StdErr=") && !strings.Contains(rest, " StdIn=") && !strings.Contains(rest, " StdOut=") && !strings.Contains(rest, " Power=")
}

func (s shown) get(key string) string {
	for _, f := range s {
		if f.Key == key {
			if f.Value == "(null)" {
				return ""
			}
			return f.Value
		}
	}
	return ""
}

// complete adds exit code and times to the tasks this record is about.
func (s shown) complete(tasks map[string]*record) {
	key := whole
	if id := s.get("ArrayTaskId"); isNumber(id) && id != noTask {
		key = "_" + id
	} else if offset := s.get("HetJobOffset"); offset != "" {
		key = "+" + offset
	}
	t := tasks[key]
	if t == nil || sched.Word(t.Raw) != sched.Word(s.get("JobState")) {
		return
	}
	t.ExitCode, t.Signal = parseExit(s.get("ExitCode"))
	t.Start, t.NodeList = parseTime(s.get("StartTime")), s.get("NodeList")
	if t.State.Final() {
		t.End = parseTime(s.get("EndTime"))
	}
}

// noTask is the number that Slurm prints for "no task yet".
const noTask = "4294967294"

// task is one task with the record that tells of it.
type task struct {
	id     string
	number int
	from   shown
}

// describe merges the records of a job: an array has one for each task that
// has started and one for the rest.
func describe(id string, jobs []shown) sched.Description {
	tasks := listTasks(id, jobs)
	first := tasks[0]
	d := sched.Description{Submitted: parseTime(first.from.get("SubmitTime")), Tasks: len(tasks), Name: first.from.get("JobName"), WorkDir: first.from.get("WorkDir"), Dependency: first.from.get("Dependency")}
	for _, f := range first.from {
		if f.Key == "ArrayTaskId" && first.number >= 0 {
			f.Value = strconv.Itoa(first.number)
		} else if f.Key == "StdOut" || f.Key == "StdErr" {
			f.Value = first.path(f.Value)
		}
		d.Fields = append(d.Fields, f)
	}
	seen := map[string]bool{"/dev/null": true, "": true}
	d.TaskFiles = map[string][]string{}
	for _, t := range tasks {
		d.TaskIDs = append(d.TaskIDs, t.id)
		if spec := t.from.get("ArrayTaskId"); spec != "" && (!isNumber(spec) || t.from.get("JobState") == "PENDING") {
			d.Waiting = append(d.Waiting, t.id)
		}
		if n := t.from.get("Restarts"); n != "" && n != "0" {
			d.Requeued = true
		}
		if offset := t.from.get("HetJobOffset"); offset != "" && offset != "0" {
			continue // only the first component runs the script
		}
		for _, key := range []string{"StdOut", "StdErr"} {
			path := t.path(t.from.get(key))
			if own := d.TaskFiles[t.id]; path != "" && path != "/dev/null" && !slices.Contains(own, path) {
				d.TaskFiles[t.id] = append(own, path)
			}
			if !seen[path] {
				seen[path] = true
				d.Files = append(d.Files, path)
			}
		}
	}
	return d
}

// listTasks returns at least one task, in order of their numbers.
func listTasks(id string, jobs []shown) (tasks []task) {
	for _, job := range jobs {
		spec := job.get("ArrayTaskId")
		list, err := sched.ParseTaskList(spec)
		switch offset := job.get("HetJobOffset"); {
		case offset != "":
			n, _ := strconv.Atoi(offset)
			tasks = append(tasks, task{id + "+" + offset, n, job})
		case spec == "":
			tasks = append(tasks, task{id, -1, job})
		case err == nil && spec != noTask:
			for _, n := range list.IDs {
				tasks = append(tasks, task{id + "_" + strconv.Itoa(n), n, job})
			}
		}
	}
	if len(tasks) == 0 {
		tasks = []task{{id, -1, jobs[0]}}
	}
	slices.SortStableFunc(tasks, func(a, b task) int { return a.number - b.number })
	return slices.CompactFunc(tasks, func(a, b task) bool { return a.id == b.id })
}

// path completes what scontrol prints: the task number that a pending task
// has none of yet, and symbols that it leaves as they are (a width, as in
// %4a, or all of them in Slurm 24.05 and newer).
func (t task) path(printed string) string {
	if printed == "" || printed == "(null)" || strings.Contains(printed, `\`) {
		return printed
	}
	names := sched.Names{Job: t.from.get("JobId"), Array: t.from.get("ArrayJobId"), Name: t.from.get("JobName"), WorkDir: t.from.get("WorkDir")}
	names.User, _, _ = strings.Cut(t.from.get("UserId"), "(")
	names.Node = t.from.get("BatchHost")
	if names.Array == "" {
		names.Array = names.Job
	}
	if t.from.get("ArrayTaskId") != "" && t.number >= 0 {
		names.Task = strconv.Itoa(t.number)
		printed = strings.ReplaceAll(printed, noTask, names.Task)
	}
	return names.Expand(printed)
}
