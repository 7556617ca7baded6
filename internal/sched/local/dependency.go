package local

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/stemma-data/stemma/internal/sched"
)

// neverSatisfied is Slurm's reason for jobs that wait for ever.
const neverSatisfied = "DependencyNeverSatisfied"

// outcome says whether a dependency is fulfilled.
type outcome int

const (
	satisfied outcome = iota
	waits
	never
)

// condition is one "type:id", such as afterok:12_3.
type condition struct {
	kind  string
	id    int
	key   string        // task of an array, "" for the whole job
	delay time.Duration // of after:id+minutes
}

// parseDependency reads sbatch's --dependency: conditions joined by commas
// (all) or question marks (any).
func parseDependency(text string) (list []condition, anyOf bool, err error) {
	if text == "" {
		return nil, false, nil
	}
	sep := ","
	if strings.Contains(text, "?") {
		sep, anyOf = "?", true
	}
	for item := range strings.SplitSeq(text, sep) {
		kind, ids, _ := strings.Cut(item, ":")
		switch kind {
		case "after", "afterok", "afterany", "afternotok":
		default:
			return nil, false, fmt.Errorf("dependency %q: type %q is not known here", text, kind)
		}
		for id := range strings.SplitSeq(ids, ":") {
			c, err := parseCondition(kind, id)
			if err != nil {
				return nil, false, fmt.Errorf("dependency %q: %w", text, err)
			}
			list = append(list, c)
		}
	}
	return list, anyOf, nil
}

func parseCondition(kind, id string) (condition, error) {
	c := condition{kind: kind}
	id, minutes, delayed := strings.Cut(id, "+")
	if delayed {
		n, err := strconv.Atoi(minutes)
		if err != nil || n < 0 || kind != "after" {
			return c, fmt.Errorf("bad delay %q", minutes)
		}
		c.delay = time.Duration(n) * time.Minute
	}
	var ok bool
	if c.id, c.key, ok = splitID(strings.TrimSuffix(id, "_*")); !ok {
		return c, fmt.Errorf("bad job id %q", id)
	}
	return c, nil
}

// dependency says whether a job may start, for what it waits for.
func (s *Scheduler) dependency(v *view) outcome {
	list, anyOf, err := parseDependency(v.Dependency)
	if err != nil || len(list) == 0 {
		return satisfied
	}
	count := map[outcome]int{}
	for _, c := range list {
		count[s.check(c)]++
	}
	switch {
	case anyOf && count[satisfied] > 0:
		return satisfied
	case !anyOf && count[never] > 0, count[never] == len(list):
		return never
	case count[waits] > 0:
		return waits
	}
	return satisfied
}

// check looks at one condition. A job that is not known counts as
// satisfied, as in Slurm; one that cannot be read is waited for.
func (s *Scheduler) check(c condition) outcome {
	v, err := s.load(c.id)
	if errors.Is(err, fs.ErrNotExist) {
		return satisfied
	} else if err != nil {
		return waits
	}
	keys := v.keys()
	if c.key != "" {
		keys = []string{c.key}
	}
	started, ended, good := 0, 0, 0
	for _, key := range keys {
		t := v.tasks[key]
		if t == nil {
			continue
		}
		if t.State.Final() || !t.Start.After(s.now().Add(-c.delay)) {
			started++
		}
		if t.State.Final() {
			ended++
		}
		if t.State == sched.Completed {
			good++
		}
	}
	return c.decide(len(keys), started, ended, good)
}

// decide applies the type of the condition to the counts of tasks.
func (c condition) decide(all, started, ended, good int) outcome {
	switch {
	case c.kind == "after" && started == all, c.kind == "afterany" && ended == all:
		return satisfied
	case c.kind == "afterok" && good == all, c.kind == "afternotok" && ended == all && good < all:
		return satisfied
	case c.kind == "afterok" && good < ended, c.kind == "afternotok" && good == all:
		return never
	}
	return waits
}
