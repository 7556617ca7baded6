package run

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/result"
)

// change is a path that a commit changed against its first parent.
type change struct {
	path           string
	mode, prevMode gitobj.Mode // 0: not there
	id, prev       gitobj.OID
	size           int64 // of a blob in git, -1 if unknown
}

// readChanges finds out, with one process, what the commits that will be
// executed again had changed.
func (r *rerun) readChanges(ctx context.Context, steps []*step) error {
	var ask strings.Builder
	byID := map[string]*step{}
	for _, s := range steps {
		if s.action == actRun {
			fmt.Fprintf(&ask, "%s %s\n", s.id, s.parents[0])
			byID[string(s.id)] = s
		}
	}
	if len(byID) == 0 {
		return nil
	}
	out, err := r.d.Repo.OutputWith(ctx, []byte(ask.String()), "diff-tree", "--stdin", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", "--ignore-submodules=none")
	if err != nil {
		return err
	}
	return parseDiffTree(string(out), byID)
}

// parseDiffTree reads "COMMIT NUL (:meta NUL path NUL)*" for each commit.
func parseDiffTree(out string, byID map[string]*step) error {
	var s *step
	fields := strings.Split(out, "\x00")
	for i := 0; i < len(fields); i++ {
		f := fields[i]
		if f == "" || f == "\n" {
			continue
		}
		meta, ok := strings.CutPrefix(f, ":")
		if !ok {
			s = byID[strings.TrimSpace(f)]
			continue
		}
		words := strings.Fields(meta)
		if len(words) != 5 || i+1 == len(fields) || s == nil {
			return fmt.Errorf("read changes: unexpected %q", f)
		}
		i++
		s.changes = append(s.changes, newChange(words, fields[i]))
	}
	return nil
}

func newChange(words []string, path string) change {
	c := change{path: path, size: -1}
	if m, err := gitobj.ParseMode(words[0]); err == nil {
		c.prevMode, c.prev = m, gitobj.OID(words[2])
	}
	if m, err := gitobj.ParseMode(words[1]); err == nil {
		c.mode, c.id = m, gitobj.OID(words[3])
	}
	return c
}

// autoOutputs lists the files, relative to the top, that a recorded command
// wrote without declaring them, apart from records.
func (s *step) autoOutputs(records string) []string {
	declared := make([]string, len(s.record.Outputs))
	for i, o := range s.record.Outputs {
		declared[i] = filepath.Clean(o)
	}
	var list []string
	for _, c := range s.changes {
		if c.mode == 0 || c.mode == gitobj.ModeGitlink || filepath.Dir(c.path) == filepath.Clean(records) {
			continue
		}
		rel, err := filepath.Rel(filepath.Join("/", s.record.Pwd), filepath.Join("/", c.path))
		if err != nil || !slices.Contains(declared, rel) {
			list = append(list, c.path)
		}
	}
	return list
}

// readSizes fills in the sizes of blobs, with one process.
func (r *rerun) readSizes(ctx context.Context, steps []*step) error {
	var ask strings.Builder
	var which []*change
	for _, s := range steps {
		for i := range s.changes {
			if c := &s.changes[i]; c.mode == gitobj.ModeFile || c.mode == gitobj.ModeExec {
				which = append(which, c)
				fmt.Fprintln(&ask, c.id)
			}
		}
	}
	if len(which) == 0 {
		return nil
	}
	out, err := r.d.Repo.OutputWith(ctx, []byte(ask.String()), "cat-file", "--batch-check=%(objectsize)")
	if err != nil {
		return err
	}
	for i, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		if size, err := strconv.ParseInt(line, 10, 64); err == nil && i < len(which) {
			which[i].size = size
		}
	}
	return nil
}

// result is the change as DataLad's diff reports it.
func (c change) result(top string) map[string]any {
	state, mode := "modified", c.mode
	m := map[string]any{"action": "diff", "parentds": top, "path": filepath.Join(top, c.path), "refds": top, "status": string(result.OK)}
	switch {
	case c.mode == 0:
		state, mode = "deleted", c.prevMode
	case c.prevMode == 0:
		state = "added"
	}
	m["state"], m["type"] = state, typeOf(mode)
	switch {
	case c.mode == 0:
		m["gitshasum"] = string(c.prev) // so says DataLad
	case c.prevMode == 0:
		m["gitshasum"] = string(c.id)
	default:
		m["gitshasum"], m["prev_gitshasum"] = string(c.id), string(c.prev)
	}
	if c.size >= 0 {
		m["bytesize"] = c.size
	}
	return m
}

func typeOf(m gitobj.Mode) string {
	switch m {
	case gitobj.ModeSymlink:
		return result.Symlink
	case gitobj.ModeGitlink:
		return result.Dataset
	}
	return result.File
}
