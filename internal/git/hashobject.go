package git

import (
	"context"
	"fmt"
	"strings"

	"github.com/stemma-data/stemma/internal/gitobj"
)

// HashFiles stores the files at the paths (relative to the top, without
// newlines) as blobs, converted by git as their attributes ask, and returns
// the ids in the same order. With write false nothing is stored.
func (r *Repo) HashFiles(ctx context.Context, paths []string, write bool) ([]gitobj.OID, error) {
	if len(paths) == 0 {
		return nil, nil
	}
	args := []string{"-c", "core.fsync=all", "-c", "filter.annex.clean=", "-c", "filter.annex.process=", "hash-object", "--stdin-paths"}
	if write {
		args = append(args, "-w")
	}
	var in strings.Builder
	for _, p := range paths {
		if strings.ContainsRune(p, '\n') {
			return nil, fmt.Errorf("hash %q: a newline in the name of a file that git must convert is not supported", p)
		}
		in.WriteString(p + "\n")
	}
	out, err := r.OutputWith(ctx, []byte(in.String()), args...)
	if err != nil {
		return nil, err
	}
	lines := strings.Fields(string(out))
	if len(lines) != len(paths) {
		return nil, fmt.Errorf("git hash-object: %d answers to %d questions", len(lines), len(paths))
	}
	ids := make([]gitobj.OID, len(lines))
	for i, l := range lines {
		if ids[i], err = gitobj.ParseOID(l); err != nil {
			return nil, err
		}
	}
	return ids, nil
}
