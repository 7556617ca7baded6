package gitindex

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/gitobj"
)

// ErrBadEdit is what errors.Is finds when Splice was given an edit that must
// not get into an index.
var ErrBadEdit = errors.New("index edit not valid")

// Edit says what one path shall be in the new index: a merged entry without
// flags, or (Remove) no entry at any stage. Removing a path that has no entry
// is fine; removing a directory's path leaves the entries below it alone.
type Edit struct {
	Path   string
	Mode   gitobj.Mode
	OID    gitobj.OID
	Stat   Stat // vouched for by the caller; zero makes git compare the content once
	Remove bool
}

// prepare returns a checked copy of edits sorted by path; of edits of the same
// path the last one counts.
func prepare(edits []Edit, format gitobj.Format) ([]Edit, error) {
	out := slices.Clone(edits)
	slices.SortStableFunc(out, func(a, b Edit) int { return cmp.Compare(a.Path, b.Path) })
	kept := out[:0]
	for i, e := range out {
		if i+1 < len(out) && out[i+1].Path == e.Path {
			continue
		}
		if err := e.check(format); err != nil {
			return nil, err
		}
		kept = append(kept, e)
	}
	return kept, checkDirs(kept)
}

func badEdit(path, format string, args ...any) error {
	return fmt.Errorf("%w: %q: %s", ErrBadEdit, path, fmt.Sprintf(format, args...))
}

func (e *Edit) check(format gitobj.Format) error {
	if e.Remove {
		return checkPath(e.Path)
	}
	if err := CheckPath(e.Path); err != nil {
		return err
	}
	switch e.Mode {
	case gitobj.ModeFile, gitobj.ModeExec, gitobj.ModeGitlink:
	case gitobj.ModeSymlink:
		if i := strings.LastIndexByte(e.Path, '/'); strings.EqualFold(e.Path[i+1:], ".gitmodules") {
			return badEdit(e.Path, "git refuses it as a symbolic link")
		}
	default:
		return badEdit(e.Path, "mode %v", e.Mode)
	}
	if len(e.OID.Bytes()) != format.Size() || e.OID.IsZero() {
		return badEdit(e.Path, "object id %q", string(e.OID))
	}
	return nil
}

// CheckPath refuses the paths that git never takes into an index, by an
// ErrBadEdit. Edits are checked anyway.
func CheckPath(path string) error {
	if gitobj.HasDotGit(path) {
		return badEdit(path, "some file systems take a part of it for .git")
	}
	return checkPath(path)
}

// checkPath refuses the paths that no index has; what only some file systems take
// for .git may be there from elsewhere, and can be removed.
func checkPath(path string) error {
	if len(path) >= maxPath || strings.IndexByte(path, 0) >= 0 {
		return badEdit(path[:min(len(path), 80)], "path too long, or with a zero byte")
	}
	for part := range strings.SplitSeq(path, "/") {
		if part == "" || part == "." || part == ".." || strings.EqualFold(part, ".git") {
			return badEdit(path, "component %q of the path", part)
		}
	}
	return nil
}

// checkDirs refuses edits that make the same path a file and a directory.
func checkDirs(edits []Edit) error {
	files := make(map[string]bool, len(edits))
	for _, e := range edits {
		if !e.Remove {
			files[e.Path] = true
		}
	}
	for _, e := range edits {
		for dir := range parents(e.Path) {
			if !e.Remove && files[dir] {
				return badEdit(e.Path, "another edit makes %q a file", dir)
			}
		}
	}
	return nil
}

// parents yields the directories above path, the outermost first.
func parents(path string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for i := range len(path) {
			if path[i] == '/' && !yield(path[:i]) {
				return
			}
		}
	}
}

// hasPrefix is strings.HasPrefix for a path in the index's bytes.
func hasPrefix(path []byte, prefix string) bool {
	return len(path) >= len(prefix) && string(path[:len(prefix)]) == prefix
}
