package finish

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/jobs/jobpath"
	"github.com/stemma-data/stemma/internal/jobs/jobrec"
)

// Slurm gives each task of an array an id of its own when the task starts, and
// puts that in the place of %j in names of log files. Of a task that has not
// started it tells the name with the array's id instead, as if it were %A.

// nameLogs puts the names of log files right that were told before the tasks
// had ids: the files themselves decide.
func (o *over) nameLogs() {
	if len(o.prov.Waiting) == 0 {
		return
	}
	root, id := jobrec.JobRoot(&o.job), o.job.JobID
	users := map[string]int{} // of a name: tasks that are told to write it
	for _, names := range o.prov.Waiting {
		for _, name := range names {
			users[name]++
		}
	}
	left := map[string]int{}
	var found []string
	for _, t := range o.status.Tasks {
		_, task, _ := strings.Cut(t.ID, "_")
		for _, name := range o.prov.Waiting[task] {
			right := name
			if t.OwnID != "" && t.OwnID != id && (users[name] > 1 || len(jobpath.Existing(root, []string{name})) == 0) {
				right = renamed(root, name, id, t.OwnID)
			}
			if right == name {
				left[name]++
			} else {
				found = append(found, right)
			}
		}
	}
	o.job.SlurmOutputs = slices.DeleteFunc(slices.Clone(o.job.SlurmOutputs), func(p string) bool { return users[p] > 0 && left[p] == 0 })
	o.job.SlurmOutputs = jobpath.Union(o.job.SlurmOutputs, found)
}

// maxPlaces bounds how many places of a name an id may stand in.
const maxPlaces = 4

// renamed returns the name in which own has taken the place of id, in one place
// or more, and which is there; name itself if there is none.
func renamed(root, name, id, own string) string {
	parts := strings.SplitN(name, id, maxPlaces+1)
	for choice := 1<<(len(parts)-1) - 1; choice > 0; choice-- {
		var b strings.Builder
		b.WriteString(parts[0])
		for i, part := range parts[1:] {
			if choice&(1<<i) != 0 {
				b.WriteString(own + part)
			} else {
				b.WriteString(id + part)
			}
		}
		if _, err := os.Lstat(filepath.Join(root, filepath.FromSlash(b.String()))); err == nil {
			return b.String()
		}
	}
	return name
}
