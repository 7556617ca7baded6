package jobpath

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
	"github.com/stemma-data/stemma/internal/sched"
)

// taskMark is the placeholder of an array's task number in outputs: {task}, or
// {task:03} for a number with at least three digits.
var taskMark = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\{task(?::0?([1-9])d?)?\}`)
})

// HasTask reports whether an output names the number of an array's task.
func HasTask(p string) bool { return taskMark().MatchString(p) }

// ForTask fills in the number of a task.
func ForTask(p string, task int) string {
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

// TaskIn returns the task whose output a path is, or lies in.
func TaskIn(pattern, p string) (string, bool) {
	m := taskPattern(pattern).FindStringSubmatch(p)
	if m == nil {
		return "", false
	}
	n, err := strconv.Atoi(m[2])
	return strconv.Itoa(n), err == nil && n < sched.MaxTasks && ForTask(pattern, n) == m[1]
}

// maxTaskClaims bounds how many paths an array claims one by one; beyond it
// claims the folders that they lie in.
const maxTaskClaims = 4096

// TaskClaims is what an output with {task} claims: the outputs of all tasks, or
// where those are not known, or are too many, the folder that holds them.
func TaskClaims(p string, tasks []int) []string {
	if len(tasks) > 0 && len(tasks) <= maxTaskClaims {
		list := make([]string, len(tasks))
		for i, n := range tasks {
			list[i] = ForTask(p, n)
		}
		return list
	}
	return []string{TaskFolder(p)}
}

// TaskFolder is the folder that holds the outputs of all tasks.
func TaskFolder(p string) string {
	parts := strings.Split(p, "/")
	i := slices.IndexFunc(parts, HasTask)
	return path.Join(append([]string{"."}, parts[:max(i, 0)]...)...)
}

// existingTasks finds the outputs of tasks that are there.
func existingTasks(root, pattern string) ([]string, error) {
	clean := path.Clean(filepath.ToSlash(pattern))
	g := iospec.New([]string{taskMark().ReplaceAllString(clean, "*")}, root)
	var list []string
	for _, p := range g.ExpandStrict() {
		p = path.Clean(filepath.ToSlash(p))
		if _, ok := TaskIn(clean, p); ok {
			list = append(list, p)
		}
	}
	return list, g.Err()
}

// ProtectTasks hides {task} from the expansion of placeholders, unless the
// dataset has configured one of that name.
func ProtectTasks(specs []string, substitutions map[string]string) (hidden []string, reveal func([]string)) {
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
