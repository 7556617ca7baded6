package jobrec

import (
	"path"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/jobs/jobpath"
	"github.com/stemma-data/stemma/internal/ledger"
)

// PerTask reports whether the tasks of a job are committed one by one.
func PerTask(j *ledger.Job) bool { return slices.ContainsFunc(j.Outputs, jobpath.HasTask) }

// TaskOf returns the one task of a job that makes an input, "" if that cannot
// be told.
func TaskOf(j *ledger.Job, spec jobpath.Spec, claim string) string {
	if spec.Wild() {
		return ""
	}
	for _, out := range j.Outputs {
		if !jobpath.HasTask(out) {
			if clean := path.Clean(out); jobpath.Within(spec.Fixed, clean) {
				return ""
			}
			continue
		}
		if task, ok := jobpath.TaskIn(path.Clean(out), spec.Fixed); ok {
			return task
		}
	}
	return ""
}

// FolderClaim reports whether an array claims a folder only because its tasks
// are not known one by one.
func FolderClaim(j *ledger.Job, claim string) bool {
	of := func(p string) string { return jobpath.TaskFolder(path.Clean(p)) }
	return slices.ContainsFunc(j.Outputs, func(p string) bool { return jobpath.HasTask(p) && of(p) == claim }) &&
		!slices.ContainsFunc(j.Outputs, func(p string) bool { return !jobpath.HasTask(p) && path.Clean(p) == claim })
}

// MayMake reports whether an input can be, or hold, an output of a task.
func MayMake(j *ledger.Job, spec jobpath.Spec) bool {
	return slices.ContainsFunc(j.Outputs, func(out string) bool {
		clean := path.Clean(out)
		if !jobpath.HasTask(clean) {
			return false // it has a claim of its own
		}
		_, ok := jobpath.TaskIn(clean, spec.Fixed)
		return ok || spec.Wild() || jobpath.Within(clean, spec.Fixed)
	})
}

// narrow replaces the claims of folders by those of the tasks, as soon as these
// are known.
func narrow(j *ledger.Job, tasks []int) {
	folders := map[string]bool{}
	var exact []string
	for _, out := range j.Outputs {
		clean := path.Clean(out)
		fixed := clean
		if i := strings.IndexAny(clean, jobpath.Magic); i >= 0 {
			fixed = path.Dir(clean[:i] + "x")
		}
		if jobpath.HasTask(fixed) {
			folders[jobpath.TaskFolder(fixed)] = true
			exact = append(exact, jobpath.TaskClaims(fixed, tasks)...)
		} else {
			exact = append(exact, fixed)
		}
	}
	var claims []string
	for _, c := range j.Claims {
		if !folders[c] {
			claims = append(claims, c)
		}
	}
	j.Claims = jobpath.Union(exact, claims)
}
