package jobrec

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/jobs/jobpath"
	"github.com/stemma-data/stemma/internal/ledger"
)

// Producer is an open job, or one task of it, that makes inputs of another job.
type Producer struct {
	Scheduler string   `json:"scheduler,omitempty"`
	JobID     string   `json:"job"`            // as schedulers are asked for it
	Task      string   `json:"task,omitempty"` // of an array; "" for the whole job
	Inputs    []string `json:"inputs"`         // patterns, relative to the top
	Claims    []string `json:"claims"`         // of the producer, in which they lie
}

// Name is what schedulers and people call it.
func (p Producer) Name() string {
	id, _, _ := strings.Cut(p.JobID, ";")
	if p.Task != "" {
		id += "_" + p.Task
	}
	return id
}

// Is reports whether it is a job of the ledger, or a task of that.
func (p Producer) Is(j *ledger.Job) bool {
	return p.Scheduler == j.Scheduler && p.JobID == QueryID(j) && j.JobID != ""
}

// Makes reports whether a path is, holds or lies in what the producers claimed.
func Makes(list []Producer, path string) bool {
	for _, p := range list {
		for _, c := range p.Claims {
			if jobpath.Within(path, c) || jobpath.Within(c, path) {
				return true
			}
		}
	}
	return false
}

// ClaimedBy reports whether a path is what a producer makes, and nothing else.
func ClaimedBy(list []Producer, path string) bool {
	for _, p := range list {
		if slices.ContainsFunc(p.Claims, func(c string) bool { return jobpath.Within(path, c) }) {
			return true
		}
	}
	return false
}

// Redo restricts a job to some tasks of an array.
type Redo struct {
	Array string `json:"array"`         // the tasks, as --array takes them
	Row   int64  `json:"row,omitempty"` // of the open job whose failed tasks these are
	Job   string `json:"job,omitempty"` // and its id
	Line  string `json:"-"`             // what is run
}

// Waits says which inputs are to come from where.
func (p Provenance) Waits() string {
	var list []string
	for _, a := range p.After {
		list = append(list, fmt.Sprintf("input %s will be produced by job %s", strings.Join(a.Inputs, ", "), a.Name()))
	}
	return strings.Join(list, "; ")
}
