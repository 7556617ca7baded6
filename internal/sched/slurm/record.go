package slurm

import (
	"strconv"
	"strings"
	"time"

	"github.com/stemma-data/stemma/internal/sched"
)

// whole is the key of a record that is about a plain job, or about all tasks
// of an array that have no record of their own.
const whole = ""

// jobID is an id as squeue %i and sacct JobID print it.
type jobID struct {
	base string   // "133"
	keys []string // "_5", "+1" or whole; several for "133_[5-6%2]"
	list bool     // printed as a list of tasks
	step string   // "batch", "0"; "" for the job itself
}

// parseID reads "12", "12_3", "12_[1,4-6%2]" (also cut off), "12+1", each
// with an optional ".step".
func parseID(text string) (jobID, bool) {
	text, step, _ := strings.Cut(text, ".")
	cut := strings.IndexAny(text, "_+")
	if strings.Contains(text, "[") { // a list may be cut by "..."
		text, step = text+afterDot(step), ""
	}
	id := jobID{base: text, keys: []string{whole}, step: step}
	if cut >= 0 {
		id.base = text[:cut]
		rest := text[cut+1:]
		if list, isList := strings.CutPrefix(rest, "["); isList && text[cut] == '_' {
			id.list, id.keys = true, listKeys(list)
		} else if !isNumber(rest) {
			return jobID{}, false
		} else {
			id.keys = []string{text[cut:]}
		}
	}
	return id, isNumber(id.base)
}

func afterDot(step string) string {
	if step == "" {
		return ""
	}
	return "." + step
}

// listKeys expands a task list; one that is cut or not understood also
// stands for all tasks without a record of their own.
func listKeys(list string) (keys []string) {
	inner, closed := strings.CutSuffix(list, "]")
	tasks, err := sched.ParseTaskList(inner)
	if err != nil || !closed {
		tasks = sched.TaskList{Truncated: true}
	}
	for _, n := range tasks.IDs {
		keys = append(keys, "_"+strconv.Itoa(n))
	}
	if tasks.Truncated {
		keys = append(keys, whole)
	}
	return keys
}

func isNumber(s string) bool {
	if s == "" || len(s) > 19 {
		return false
	}
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// records holds what one program knows: by job, by task key.
type records map[string]map[string]*record

type record struct {
	sched.Task
	list      bool      // from a list of tasks; a record of the task's own is newer
	submitted time.Time // zero if not told
}

// put stores a record for each task it is about and returns them.
func (r records) put(id jobID, t sched.Task, submitted time.Time) {
	tasks := r[id.base]
	if tasks == nil {
		tasks = map[string]*record{}
		r[id.base] = tasks
	}
	for _, key := range id.keys {
		if old := tasks[key]; old != nil && id.list && !old.list {
			continue
		}
		t.ID = id.base + key
		tasks[key] = &record{t, id.list, submitted}
	}
}

// parseQueue reads squeue -r -o queueFormat.
func parseQueue(out []byte) records {
	r := records{}
	for line := range strings.Lines(string(out)) {
		f := strings.SplitN(strings.TrimRight(line, "\n"), "|", 5)
		if len(f) < 4 {
			continue
		}
		if id, ok := parseID(f[0]); ok {
			r.put(id, sched.Task{OwnID: ownID(id, f[1], f[2]), Raw: f[2], State: queueState(f[2], f[3]), Reason: f[3]}, parseTime(field(f, 4)))
		}
	}
	return r
}

// field is empty where Slurm told fewer.
func field(f []string, i int) string {
	if i < len(f) {
		return f[i]
	}
	return ""
}

// ownID is the number of a task's own job. Tasks that have not started share
// that of their array.
func ownID(id jobID, number, state string) string {
	if id.list || id.keys[0] != whole && sched.ParseState(state) == sched.Pending {
		return ""
	}
	return number
}

// queueState tells jobs that wait for somebody from those that wait.
func queueState(raw, reason string) sched.State {
	state := sched.ParseState(raw)
	if state != sched.Pending {
		return state
	}
	switch r := strings.ReplaceAll(reason, "_", " "); {
	case strings.HasPrefix(r, "JobHeld"), r == "job requeued in held state",
		r == "launch failed requeued held", r == "JobHoldMaxRequeue":
		return sched.Held
	}
	return sched.Pending
}

// sacctFields are the columns that parseAccounting reads.
const sacctFields = "JobID,JobIDRaw,State,ExitCode,DerivedExitCode,Start,End,Elapsed,NodeList,MaxRSS,Submit"

// parseAccounting reads sacct -P -n with sacctFields, steps included.
func parseAccounting(out []byte) records {
	r := records{}
	rss := map[string]int64{}
	for line := range strings.Lines(string(out)) {
		f := strings.Split(strings.TrimRight(line, "\n"), "|")
		if len(f) < 10 {
			continue
		}
		id, ok := parseID(f[0])
		if !ok {
			continue
		}
		if id.step != "" {
			owner := id.base + id.keys[0]
			rss[owner] = max(rss[owner], parseSize(f[9]))
			continue
		}
		t := accountedTask(f)
		t.OwnID = ownID(id, f[1], f[2])
		r.put(id, t, parseTime(field(f, 10)))
	}
	for _, tasks := range r {
		for _, t := range tasks {
			t.MaxRSS = max(t.MaxRSS, rss[t.ID])
		}
	}
	return r
}

func accountedTask(f []string) sched.Task {
	t := sched.Task{Raw: f[2], State: sched.ParseState(f[2]), Start: parseTime(f[5]), End: parseTime(f[6]), NodeList: f[8], MaxRSS: parseSize(f[9])}
	t.ExitCode, t.Signal = parseExit(f[3])
	if t.NodeList == "None assigned" {
		t.NodeList = ""
	}
	return t
}

// parseExit reads "code:signal".
func parseExit(text string) (code, signal int) {
	c, s, _ := strings.Cut(text, ":")
	code, _ = strconv.Atoi(c)
	signal, _ = strconv.Atoi(s)
	return code, signal
}

// parseTime reads seconds since 1970, or Slurm's local time; "Unknown",
// "None" and the like are zero.
func parseTime(text string) time.Time {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && n > 0 {
		return time.Unix(n, 0)
	}
	t, err := time.ParseInLocation("2006-01-02T15:04:05", text, time.Local)
	if err != nil {
		return time.Time{}
	}
	return t
}

// parseSize reads "302620K", "1.50G" or plain bytes.
func parseSize(text string) int64 {
	if text == "" {
		return 0
	}
	unit := int64(1)
	if i := strings.IndexByte("KMGTP", text[len(text)-1]); i >= 0 {
		unit = 1 << (10 * (i + 1))
		text = text[:len(text)-1]
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || v < 0 || v*float64(unit) > 1<<60 {
		return 0
	}
	return int64(v * float64(unit))
}
