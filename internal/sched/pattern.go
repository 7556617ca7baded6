package sched

import (
	"path/filepath"
	"strconv"
	"strings"
)

// Names holds what the replacement symbols of sbatch's file names stand for.
type Names struct {
	Job     string // %j, the id of this task's own job
	Array   string // %A, the id of the whole array; Job if there is none
	Task    string // %a, "" if there is no array
	Name    string // %x
	User    string // %u
	Node    string // %N, the first node's short name
	WorkDir string // where relative names start
}

// noTask is what Slurm prints for %a outside an array.
const noTask = "4294967294"

// Expand turns a file name with replacement symbols (sbatch(1), "filename
// pattern") into an absolute path. A backslash in the name switches the
// symbols off, as sbatch does.
func (n Names) Expand(pattern string) string {
	path := pattern
	if strings.Contains(pattern, `\`) {
		path = strings.ReplaceAll(pattern, `\`, "")
	} else if strings.Contains(pattern, "%") {
		path = n.replace(pattern)
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(n.WorkDir, path)
	}
	return path
}

func (n Names) replace(pattern string) string {
	var b strings.Builder
	for i := 0; i < len(pattern); i++ {
		if pattern[i] != '%' {
			b.WriteByte(pattern[i])
			continue
		}
		end := i + 1
		for end < len(pattern) && end < i+4 && pattern[end] >= '0' && pattern[end] <= '9' {
			end++
		}
		if end == len(pattern) {
			b.WriteString(pattern[i:])
			break
		}
		b.WriteString(n.symbol(pattern[i:end+1], pattern[end], pattern[i+1:end]))
		i = end
	}
	return b.String()
}

// symbol returns the replacement of one symbol; width applies to numbers.
func (n Names) symbol(whole string, letter byte, width string) string {
	switch letter {
	case '%':
		return "%"
	case 'j', 'J':
		return pad(n.Job, width)
	case 'A':
		return pad(n.Array, width)
	case 'a':
		if n.Task == "" {
			return noTask
		}
		return pad(n.Task, width)
	case 'x':
		return strings.ReplaceAll(n.Name, "/", "_")
	case 'u':
		return n.User
	case 'N':
		return n.Node
	case 'n', 't', 's':
		return pad("0", width)
	case 'b':
		id, _ := strconv.Atoi(n.Task)
		return pad(strconv.Itoa(id%10), width)
	}
	return whole
}

func pad(number, width string) string {
	w, _ := strconv.Atoi(width)
	return strings.Repeat("0", max(0, min(w, 10)-len(number))) + number
}
