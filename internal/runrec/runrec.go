// Package runrec reads and writes run records: the JSON in a commit message
// that says which command made the commit, from which inputs. The format is
// DataLad's ([DATALAD RUNCMD], and [DATALAD SLURM RUN] of its Slurm extension),
// to the byte.
//
// It is a pure codec. It knows nothing of repositories, of running commands,
// or of where a sidecar file lies.
package runrec

import (
	"encoding/json"
	"strconv"

	"github.com/stemma-data/stemma/internal/pyfmt"
)

// Kind is the tag in brackets that a run commit's message begins with.
type Kind string

// The kinds of run commits.
const (
	RunKind   Kind = "DATALAD RUNCMD"
	SlurmKind Kind = "DATALAD SLURM RUN"
)

// Record says how a commit was made. Paths are as the user gave them, relative
// to Pwd; placeholders and globs are not expanded unless that was asked for.
type Record struct {
	Chain       []string // commits of earlier executions, oldest first
	Cmd         string   // for the shell, placeholders not expanded
	DSID        string   // id of the dataset; "" if it has none
	Exit        *int     // nil if the command was not executed, and for jobs
	ExtraInputs []string // needed, but not part of {inputs}
	Inputs      []string
	Outputs     []string
	Pwd         string // relative to the dataset's root; "" counts as "."

	// Jobs only; left out of the text where nil or empty.
	AltDir       *string // "" if the job ran in the dataset itself
	SlurmJobID   string  // decimal ids are printed as numbers
	SlurmOutputs []string

	// Extra holds fields of other programs. Numbers are json.Number, so that
	// they survive; the fields above win over an equal name here.
	Extra map[string]any
}

// JSON returns the record as it stands in a commit message: sorted keys, one
// blank of indentation, no final newline.
func (r *Record) JSON() string { return pyfmt.JSONIndent(r.Fields(), 1, false) }

// Fields returns the record as a JSON object, as results show it ("run_info").
// The lists are shared with the record.
func (r *Record) Fields() map[string]any {
	m := make(map[string]any, len(r.Extra)+11)
	for k, v := range r.Extra {
		m[k] = v
	}
	m["chain"] = r.Chain
	m["cmd"] = r.Cmd
	m["extra_inputs"] = r.ExtraInputs
	m["inputs"] = r.Inputs
	m["outputs"] = r.Outputs
	m["pwd"] = r.Pwd
	if r.Pwd == "" {
		m["pwd"] = "."
	}
	if r.DSID != "" {
		m["dsid"] = r.DSID
	}
	if r.Exit != nil {
		m["exit"] = *r.Exit
	}
	r.jobFields(m)
	return m
}

func (r *Record) jobFields(m map[string]any) {
	if r.AltDir != nil {
		m["alt_dir"] = *r.AltDir
	}
	if r.SlurmJobID != "" {
		m["slurm_job_id"] = jobID(r.SlurmJobID)
	}
	if r.SlurmOutputs != nil {
		m["slurm_outputs"] = r.SlurmOutputs
	}
}

// jobID returns a number if id is a plain decimal number, otherwise id.
func jobID(id string) any {
	if n, err := strconv.ParseUint(id, 10, 63); err == nil && strconv.FormatUint(n, 10) == id {
		return json.Number(id)
	}
	return id
}
