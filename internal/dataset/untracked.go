package dataset

import (
	"context"
	"os"
	"slices"
	"sort"
	"strings"
)

// untracked asks git for files it does not know, minus the ones it is told to
// ignore, at and below the paths (none: everywhere).
func (d *Dataset) untracked(ctx context.Context, scope Scope, paths []string) ([]Change, error) {
	args := []string{"--literal-pathspecs", "ls-files", "-z", "--others", "--exclude-standard"}
	if !scope.AllUntracked {
		args = append(args, "--directory", "--no-empty-directory")
	}
	args = append(args, "--")
	if len(paths) < maxPathspecs {
		args = append(args, paths...)
	}
	out, err := d.Repo.Output(ctx, args...)
	if err != nil {
		return nil, err
	}
	var list []Change
	for _, p := range strings.Split(string(out), "\x00") {
		p = strings.TrimSuffix(p, "/")
		if p == "" || !scope.covers(p) || isTemp(p) {
			continue
		}
		fi, err := os.Lstat(d.Repo.Path(p))
		if err != nil {
			continue // gone since
		}
		list = append(list, Change{Path: p, State: Untracked, Type: typeOfFile(fi.Mode()), WorkTree: true})
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Path < list[j].Path })
	return list, nil
}

// namesCompare reports whether untracked files can be told by comparing names
// here: the scope is everything, and different names are different files.
func (d *Dataset) namesCompare(scope Scope) bool {
	whole := len(scope.Paths) == 0 || slices.Contains(scope.Paths, ".")
	return whole && !d.Repo.Config.Bool("core.ignorecase", false) && !d.Repo.Config.Bool("core.precomposeunicode", false)
}
