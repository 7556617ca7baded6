package local

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/sched"
)

// Squeue plays squeue for people: it lists the jobs that are not over.
// Options are ignored, except for those that choose jobs (-j).
func (s *Scheduler) Squeue(ctx context.Context, c Call) int {
	if err := s.locked(ctx, s.dispatch); err != nil {
		fmt.Fprintf(c.Stderr, "squeue: error: %v\n", err)
		return 1
	}
	ids, err := s.openJobs()
	if err != nil {
		fmt.Fprintf(c.Stderr, "squeue: error: %v\n", err)
		return 1
	}
	chosen := chosenJobs(c.Args)
	fmt.Fprintf(c.Stdout, "%12s %-20s %-10s %s\n", "JOBID", "NAME", "STATE", "NODELIST(REASON)")
	for _, id := range ids {
		v, err := s.load(id)
		if err != nil || len(chosen) > 0 && !slices.Contains(chosen, v.id()) {
			continue
		}
		for _, t := range s.status(sched.Query{ID: v.id()}).Tasks {
			if !t.State.Final() {
				fmt.Fprintf(c.Stdout, "%12s %-20.20s %-10s %s\n", t.ID, v.Name, t.Raw, place(t))
			}
		}
	}
	return 0
}

func place(t sched.Task) string {
	if t.NodeList != "" {
		return t.NodeList
	}
	return "(" + t.Reason + ")"
}

// chosenJobs reads -j 1,2, -j1, --jobs 1 and --jobs=1.
func chosenJobs(args []string) (ids []string) {
	for i, arg := range args {
		list := ""
		switch {
		case (arg == "-j" || arg == "--jobs") && i+1 < len(args):
			list = args[i+1]
		case strings.HasPrefix(arg, "--jobs="):
			list = strings.TrimPrefix(arg, "--jobs=")
		case strings.HasPrefix(arg, "-j"):
			list = strings.TrimPrefix(arg, "-j")
		}
		if list != "" {
			ids = append(ids, strings.Split(list, ",")...)
		}
	}
	return ids
}

// Scancel plays scancel with ids as arguments; other options are refused,
// because they would choose jobs.
func (s *Scheduler) Scancel(ctx context.Context, c Call) int {
	var ids []string
	for _, arg := range c.Args {
		if arg == "-Q" || arg == "--quiet" || arg == "-v" {
			continue
		}
		if strings.HasPrefix(arg, "-") {
			fmt.Fprintf(c.Stderr, "scancel: error: option %s is not known to the local scheduler\n", arg)
			return 1
		}
		ids = append(ids, strings.Split(arg, ",")...)
	}
	if err := s.Cancel(ctx, ids); err != nil {
		fmt.Fprintf(c.Stderr, "scancel: error: %v\n", err)
		return 1
	}
	return 0
}
