package jobs

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/ledger"
)

// producer is an open job, or one task of it, that makes inputs of another job.
type producer struct {
	Scheduler string   `json:"scheduler,omitempty"`
	JobID     string   `json:"job"`            // as schedulers are asked for it
	Task      string   `json:"task,omitempty"` // of an array; "" for the whole job
	Inputs    []string `json:"inputs"`         // patterns, relative to the top
	Claims    []string `json:"claims"`         // of the producer, in which they lie
}

// name is what schedulers and people call it.
func (p producer) name() string {
	id, _, _ := strings.Cut(p.JobID, ";")
	if p.Task != "" {
		id += "_" + p.Task
	}
	return id
}

func (p producer) is(j *ledger.Job) bool {
	return p.Scheduler == j.Scheduler && p.JobID == queryID(j) && j.JobID != ""
}

// makes reports whether a path is, holds or lies in what the producers claimed.
func makes(list []producer, path string) bool {
	for _, p := range list {
		for _, c := range p.Claims {
			if within(path, c) || within(c, path) {
				return true
			}
		}
	}
	return false
}

// claimedBy reports whether a path is what a producer makes, and nothing else.
func claimedBy(list []producer, path string) bool {
	for _, p := range list {
		if slices.ContainsFunc(p.Claims, func(c string) bool { return within(path, c) }) {
			return true
		}
	}
	return false
}

// redo restricts a job to some tasks of an array.
type redo struct {
	Array string `json:"array"`         // the tasks, as --array takes them
	Row   int64  `json:"row,omitempty"` // of the open job whose failed tasks these are
	Job   string `json:"job,omitempty"` // and its id
	Line  string `json:"-"`             // what is run
}

// waits says which inputs are to come from where.
func (p provenance) waits() string {
	var list []string
	for _, a := range p.After {
		list = append(list, fmt.Sprintf("input %s will be produced by job %s", strings.Join(a.Inputs, ", "), a.name()))
	}
	return strings.Join(list, "; ")
}
