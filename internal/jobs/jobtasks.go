package jobs

import (
	"path"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/ledger"
)

// perTask reports whether the tasks of a job are committed one by one.
func perTask(j *ledger.Job) bool { return slices.ContainsFunc(j.Outputs, hasTask) }

// taskOf returns the one task of a job that makes an input, "" if that cannot
// be told.
func taskOf(j *ledger.Job, spec pathSpec, claim string) string {
	if spec.wild() {
		return ""
	}
	for _, out := range j.Outputs {
		if !hasTask(out) {
			if clean := path.Clean(out); within(spec.Fixed, clean) {
				return ""
			}
			continue
		}
		if task, ok := taskIn(path.Clean(out), spec.Fixed); ok {
			return task
		}
	}
	return ""
}

// folderClaim reports whether an array claims a folder only because its tasks
// are not known one by one.
func folderClaim(j *ledger.Job, claim string) bool {
	of := func(p string) string { return taskFolder(path.Clean(p)) }
	return slices.ContainsFunc(j.Outputs, func(p string) bool { return hasTask(p) && of(p) == claim }) &&
		!slices.ContainsFunc(j.Outputs, func(p string) bool { return !hasTask(p) && path.Clean(p) == claim })
}

// mayMake reports whether an input can be, or hold, an output of a task.
func mayMake(j *ledger.Job, spec pathSpec) bool {
	return slices.ContainsFunc(j.Outputs, func(out string) bool {
		clean := path.Clean(out)
		if !hasTask(clean) {
			return false // it has a claim of its own
		}
		_, ok := taskIn(clean, spec.Fixed)
		return ok || spec.wild() || within(clean, spec.Fixed)
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
		if i := strings.IndexAny(clean, magic); i >= 0 {
			fixed = path.Dir(clean[:i] + "x")
		}
		if hasTask(fixed) {
			folders[taskFolder(fixed)] = true
			exact = append(exact, taskClaims(fixed, tasks)...)
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
	j.Claims = union(exact, claims)
}
