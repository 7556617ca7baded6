package jobs

import (
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/stemma-data/stemma/internal/iospec"
	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/sched"
)

// taskMark is the placeholder of an array's task number in outputs: {task}, or
// {task:03} for a number with at least three digits.
var taskMark = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\{task(?::0?([1-9])d?)?\}`)
})

func hasTask(p string) bool { return taskMark().MatchString(p) }

// perTask reports whether the tasks of a job are committed one by one.
func perTask(j *ledger.Job) bool { return slices.ContainsFunc(j.Outputs, hasTask) }

// forTask fills in the number of a task.
func forTask(p string, task int) string {
	return taskMark().ReplaceAllStringFunc(p, func(mark string) string {
		width, _ := strconv.Atoi(taskMark().FindStringSubmatch(mark)[1])
		return fmt.Sprintf("%0*d", width, task)
	})
}

// taskPattern matches what lies at or below the output of a task.
func taskPattern(p string) *regexp.Regexp {
	var b strings.Builder
	b.WriteString("^(")
	at := 0
	for _, m := range taskMark().FindAllStringIndex(p, -1) {
		b.WriteString(regexp.QuoteMeta(p[at:m[0]]) + "([0-9]+)")
		at = m[1]
	}
	b.WriteString(regexp.QuoteMeta(p[at:]) + ")(?:/.*)?$")
	return regexp.MustCompile(b.String())
}

// taskIn returns the task whose output a path is, or lies in.
func taskIn(pattern, p string) (string, bool) {
	m := taskPattern(pattern).FindStringSubmatch(p)
	if m == nil {
		return "", false
	}
	n, err := strconv.Atoi(m[2])
	return strconv.Itoa(n), err == nil && n < sched.MaxTasks && forTask(pattern, n) == m[1]
}

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

// maxTaskClaims bounds how many paths an array claims one by one; beyond it
// claims the folders that they lie in.
const maxTaskClaims = 4096

// taskClaims is what an output with {task} claims: the outputs of all tasks, or
// where those are not known, or are too many, the folder that holds them.
func taskClaims(p string, tasks []int) []string {
	if len(tasks) > 0 && len(tasks) <= maxTaskClaims {
		list := make([]string, len(tasks))
		for i, n := range tasks {
			list[i] = forTask(p, n)
		}
		return list
	}
	return []string{taskFolder(p)}
}

// taskFolder is the folder that holds the outputs of all tasks.
func taskFolder(p string) string {
	parts := strings.Split(p, "/")
	i := slices.IndexFunc(parts, hasTask)
	return path.Join(append([]string{"."}, parts[:max(i, 0)]...)...)
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

// existingTasks finds the outputs of tasks that are there.
func existingTasks(root, pattern string) ([]string, error) {
	clean := path.Clean(filepath.ToSlash(pattern))
	g := iospec.New([]string{taskMark().ReplaceAllString(clean, "*")}, root)
	var list []string
	for _, p := range g.ExpandStrict() {
		p = path.Clean(filepath.ToSlash(p))
		if _, ok := taskIn(clean, p); ok {
			list = append(list, p)
		}
	}
	return list, g.Err()
}

// protectTasks hides {task} from the expansion of placeholders, unless the
// dataset has configured one of that name.
func protectTasks(specs []string, substitutions map[string]string) (hidden []string, reveal func([]string)) {
	if _, own := substitutions["task"]; own {
		return specs, func([]string) {}
	}
	hidden = make([]string, len(specs))
	for i, s := range specs {
		hidden[i] = taskMark().ReplaceAllString(s, "\x01task$1\x02")
	}
	return hidden, func(list []string) {
		for i, s := range list {
			s = strings.ReplaceAll(s, "\x01task\x02", "{task}")
			list[i] = hiddenTask().ReplaceAllString(s, "{task:0$1}")
		}
	}
}

var hiddenTask = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile("\x01task([1-9])\x02")
})
