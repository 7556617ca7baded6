package local

import (
	"strconv"
	"strings"
	"time"

	"github.com/stemma-data/stemma/internal/sched"
)

// job is a submission, as jobs/ID/job.json keeps it.
type job struct {
	ID          int       `json:"id"`
	Name        string    `json:"name"`
	Command     string    `json:"command"` // the script's path as it was called, "" for --wrap and standard input
	Args        []string  `json:"args,omitempty"`
	WorkDir     string    `json:"work_dir"`
	SubmitDir   string    `json:"submit_dir"`
	Output      string    `json:"output"` // patterns
	Error       string    `json:"error,omitempty"`
	Input       string    `json:"input,omitempty"`
	Append      bool      `json:"append,omitempty"`
	Array       []int     `json:"array,omitempty"`
	Limit       int       `json:"limit,omitempty"`
	Dependency  string    `json:"dependency,omitempty"`
	KillInvalid bool      `json:"kill_on_invalid_dep,omitempty"`
	Hold        bool      `json:"hold,omitempty"`
	Begin       time.Time `json:"begin,omitzero"`
	TimeLimit   int64     `json:"time_limit,omitempty"` // seconds, 0: none
	NTasks      int       `json:"ntasks"`
	CPUs        int       `json:"cpus_per_task"`
	Submitted   time.Time `json:"submitted"`
	User        string    `json:"user"`
	Host        string    `json:"host"`
	Self        string    `json:"self"`
	Slots       int       `json:"slots"`
}

// taskState is what jobs/ID/task*.json keeps of a task that has started or
// was cancelled.
type taskState struct {
	State      sched.State `json:"state"`
	Raw        string      `json:"raw"`
	ExitCode   int         `json:"exit_code"`
	Signal     int         `json:"signal"`
	Start      time.Time   `json:"start,omitzero"`
	End        time.Time   `json:"end,omitzero"`
	Host       string      `json:"host"`
	Boot       string      `json:"boot"`
	Supervisor int         `json:"supervisor,omitempty"` // process id
	Script     int         `json:"script,omitempty"`     // process id and group
	ScriptTime string      `json:"script_start,omitempty"`
	MaxRSS     int64       `json:"max_rss,omitempty"`
	Reason     string      `json:"reason,omitempty"`
}

// keys names the tasks: "_0", "_1" for an array, "" for a plain job.
func (j *job) keys() []string {
	if len(j.Array) == 0 {
		return []string{""}
	}
	keys := make([]string, len(j.Array))
	for i, n := range j.Array {
		keys[i] = "_" + strconv.Itoa(n)
	}
	return keys
}

func (j *job) id() string { return strconv.Itoa(j.ID) }

// ownID is the id of a task's own job: the tasks of an array have numbers
// that follow each other.
func (j *job) ownID(key string) string {
	for i, k := range j.keys() {
		if k == key {
			return strconv.Itoa(j.ID + i)
		}
	}
	return j.id()
}

func (j *job) names(key, host string) sched.Names {
	return sched.Names{Job: j.ownID(key), Array: j.id(), Task: strings.TrimPrefix(key, "_"), Name: j.Name, User: j.User, Node: host, WorkDir: j.WorkDir}
}

// files returns the absolute paths of a task's output and error files.
func (j *job) files(key, host string) (stdout, stderr string) {
	n := j.names(key, host)
	stdout = n.Expand(j.Output)
	if j.Error == "" {
		return stdout, stdout
	}
	return stdout, n.Expand(j.Error)
}

// splitID reads "12" and "12_3".
func splitID(id string) (number int, key string, ok bool) {
	base, task, array := strings.Cut(id, "_")
	number, err := strconv.Atoi(base)
	if err != nil || number < 1 {
		return 0, "", false
	}
	if !array {
		return number, "", true
	}
	n, err := strconv.Atoi(task)
	return number, "_" + strconv.Itoa(n), err == nil && n >= 0
}
