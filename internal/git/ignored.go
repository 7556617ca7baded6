package git

import (
	"context"
	"io/fs"
	"os"
	"strings"
)

// Ignored tells which of the paths, relative to the top of the work tree,
// .gitignore names. What git knows is none of them, unless tracked says that git
// is not to look for that. Paths may be anybody's: none that would lie below a
// link is ignored, and none has a special meaning.
func (r *Repo) Ignored(ctx context.Context, paths []string, tracked bool) (map[string]bool, error) {
	const here = "./" // before what could be a pathspec with magic
	links := map[string]bool{}
	var ask strings.Builder
	for _, p := range paths {
		if !r.belowLink(p, links) {
			ask.WriteString(here + p + "\x00")
		}
	}
	ignored := map[string]bool{}
	if ask.Len() == 0 {
		return ignored, nil
	}
	args := []string{"check-ignore", "-z", "--stdin"}
	if tracked {
		args = append(args, "--no-index")
	}
	out, err := r.OutputWith(ctx, []byte(ask.String()), args...)
	if err != nil && ExitCode(err) != 1 { // 1: none is
		return nil, err
	}
	for name := range strings.SplitAfterSeq(string(out), "\x00") {
		if p, ok := strings.CutPrefix(name, here); ok {
			ignored[strings.TrimSuffix(p, "\x00")] = true
		}
	}
	return ignored, nil
}

// belowLink tells whether a folder on the way to the path is a link in the work
// tree, of which git refuses to say anything. known has the folders that were
// looked at.
func (r *Repo) belowLink(path string, known map[string]bool) bool {
	for i, c := range path {
		if c != '/' {
			continue
		}
		dir := path[:i]
		link, ok := known[dir]
		if !ok {
			fi, err := os.Lstat(r.Path(dir))
			link = err == nil && fi.Mode()&fs.ModeSymlink != 0
			known[dir] = link
		}
		if link {
			return true
		}
	}
	return false
}
