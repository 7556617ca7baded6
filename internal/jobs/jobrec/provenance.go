// Package jobrec says what is kept of one job: in the ledger while it is open, and
// in the run record of the commit that it makes. It does no I/O; the ledger's
// and the scheduler's words are given to it.
package jobrec

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/stemma-data/stemma/internal/jobs/fileid"
	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/sched"
)

// RecordKey is the key of a run record under which everything stands that the
// Slurm extension of DataLad does not record.
const RecordKey = "stemma"

// extraKey is where the ledger keeps what is known since the submission.
const extraKey = "provenance"

// Provenance is what is known of a job beside DataLad's fields. The part that
// goes into the record is printed by RecordFields.
type Provenance struct {
	Anonymous   bool              `json:"anonymous,omitempty"` // hosts, accounts and absolute paths stay out
	Expand      string            `json:"expand,omitempty"`    // "outputs" or "both": globs of outputs are recorded expanded
	Name        string            `json:"name,omitempty"`      // of the job
	Stamp       time.Time         `json:"stamp,omitzero"`      // of the submission, by the scheduler's clock
	Script      *Script           `json:"script,omitempty"`
	Modules     []string          `json:"modules,omitempty"`
	Environ     map[string]string `json:"environ,omitempty"`
	Undescribed bool              `json:"undescribed,omitempty"` // the scheduler has not told the log files yet
	Stderr      string            `json:"stderr,omitempty"`      // of the submission; never recorded
	Exit        int               `json:"exit,omitempty"`        // of the submission
	Note        string            `json:"note,omitempty"`        // for people
	Sweep       *SweepRow         `json:"sweep,omitempty"`
	Staged      *Staged           `json:"staged,omitempty"` // of an isolated job
	Container   *Container        `json:"container,omitempty"`

	Subdatasets map[string]string `json:"subdatasets,omitempty"` // in which outputs lie, with their branches

	After      []Producer          `json:"after,omitempty"`      // open jobs that make inputs
	Dependency string              `json:"dependency,omitempty"` // that the line was given for them
	Line       string              `json:"line,omitempty"`       // what was run, where it differs from the user's line
	Tasks      string              `json:"tasks,omitempty"`      // of an array whose tasks are committed one by one
	TaskLogs   map[string][]string `json:"task_logs,omitempty"`  // their log files
	Waiting    map[string][]string `json:"waiting,omitempty"`    // log files of tasks that had no id yet; see nameLogs
	WaitsFor   string              `json:"-"`                    // as the scheduler tells it
	Redo       *Redo               `json:"redo,omitempty"`       // the failed tasks that are done again
}

// SweepRow says which row of a sweep's table a job stands for.
type SweepRow struct {
	Row    int               `json:"row"`
	Values map[string]string `json:"values"` // by column, and the number as "row"
}

// fields is what the record holds of it.
func (s *SweepRow) fields(anonymous bool) map[string]any {
	values := map[string]any{}
	for name, v := range s.Values {
		if name != RowColumn && !(anonymous && strings.Contains(v, "/")) {
			values[name] = v
		}
	}
	return map[string]any{"row": s.Row, "values": values}
}

// Script is the job script as it was at submission.
type Script struct {
	Path  string       `json:"path"` // relative to the top, or absolute
	ID    string       `json:"id"`
	State fileid.State `json:"state"`
}

// Of reads what the ledger keeps of a job.
func Of(j *ledger.Job) (p Provenance) {
	_ = json.Unmarshal(j.Extra[extraKey], &p) // ours; of a foreign job it is empty
	return p
}

// Store puts it into what the ledger keeps of a job.
func (p Provenance) Store(j *ledger.Job) {
	if data, err := json.Marshal(p); err == nil {
		if j.Extra == nil {
			j.Extra = map[string]json.RawMessage{}
		}
		j.Extra[extraKey] = data
	}
}

// environAllowed are the variables that influence results and hold no
// secrets. Everything else stays out of records.
var environAllowed = []string{
	"OMP_NUM_THREADS", "OMP_PROC_BIND", "OMP_PLACES", "OMP_SCHEDULE", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS",
	"NUMEXPR_NUM_THREADS", "PYTHONHASHSEED", "CONDA_DEFAULT_ENV", "CONDA_PREFIX", "VIRTUAL_ENV", "JULIA_NUM_THREADS",
	"CUDA_VISIBLE_DEVICES", "TZ", "LANG",
	"SBATCH_PARTITION", "SBATCH_QOS", "SBATCH_CONSTRAINT", "SBATCH_TIMELIMIT", "SBATCH_MEM_PER_NODE", "SBATCH_GRES",
}

// Environment picks the allow-listed variables out of KEY=VALUE pairs, and the
// list of loaded modules.
func Environment(vars []string, anonymous bool) (picked map[string]string, modules []string) {
	picked = map[string]string{}
	for _, kv := range vars {
		name, value, _ := strings.Cut(kv, "=")
		switch {
		case name == "LOADEDMODULES" && value != "":
			modules = strings.Split(value, ":")
		case slices.Contains(environAllowed, name) && !(anonymous && strings.Contains(value, "/")):
			picked[name] = value
		}
	}
	if anonymous {
		modules = slices.DeleteFunc(modules, filepath.IsAbs)
	}
	return picked, modules
}

// RecordFields is what stands under RecordKey in the record of a job.
func (p Provenance) RecordFields(j *ledger.Job, st sched.Status, changed map[string]string) map[string]any {
	m := map[string]any{"scheduler": p.schedulerFields(j, st)}
	if j.BaseCommit != "" {
		m["base"] = string(j.BaseCommit)
	}
	if in := p.visible(j.InputIDs); len(in) > 0 {
		m["inputs"] = in
	}
	if in := p.visible(changed); len(in) > 0 {
		m["inputs_changed"] = in
	}
	if p.Redo != nil {
		m["array"] = p.Redo.Array
	}
	if s := p.Script; s != nil {
		m["script"] = map[string]any{"path": p.name(s.Path), "id": s.ID, "state": string(s.State)}
	}
	if p.Container != nil {
		m["container"] = p.Container.fields(j.InputIDs)
	}
	if p.Sweep != nil {
		m["sweep"] = p.Sweep.fields(p.Anonymous)
	}
	if j.Isolated != "" {
		m["isolated"] = p.Staged.fields(j, p.Anonymous)
	}
	if len(p.Modules) > 0 {
		m["modules"] = p.Modules
	}
	if len(p.Environ) > 0 {
		m["environment"] = stringMap(p.Environ)
	}
	return m
}

func stringMap(in map[string]string) map[string]any {
	m := make(map[string]any, len(in))
	for k, v := range in {
		m[k] = v
	}
	return m
}

// name hides where a file outside the dataset lies.
func (p Provenance) name(path string) string {
	if p.Anonymous && filepath.IsAbs(path) {
		return filepath.Base(path)
	}
	return path
}

func (p Provenance) visible(ids map[string]string) map[string]any {
	m := make(map[string]any, len(ids))
	for path, id := range ids {
		m[p.name(path)] = id
	}
	return m
}

// schedulerFields is what the scheduler reports of the run.
func (p Provenance) schedulerFields(j *ledger.Job, st sched.Status) map[string]any {
	m := map[string]any{"name": j.Scheduler, "state": string(st.State)}
	if j.Cluster != "" && !p.Anonymous {
		m["cluster"] = j.Cluster
	}
	if len(st.Tasks) == 1 {
		p.taskFields(m, st.Tasks[0])
		return m
	}
	tasks := make([]any, 0, len(st.Tasks))
	for _, t := range st.Tasks {
		f := map[string]any{"id": t.ID, "state": string(t.State)}
		p.taskFields(f, t)
		tasks = append(tasks, f)
	}
	if len(tasks) > 0 {
		m["tasks"] = tasks
	}
	return m
}

func (p Provenance) taskFields(m map[string]any, t sched.Task) {
	m["exit_code"] = t.ExitCode
	if t.Signal != 0 {
		m["signal"] = t.Signal
	}
	for key, at := range map[string]time.Time{"start": t.Start, "end": t.End} {
		if !at.IsZero() {
			m[key] = at.Format(time.RFC3339)
		}
	}
	if t.NodeList != "" && !p.Anonymous {
		m["nodes"] = t.NodeList
	}
	if t.MaxRSS > 0 {
		m["max_rss"] = t.MaxRSS
	}
}

// RowColumn is the placeholder for the number of the row.
const RowColumn = "row"
