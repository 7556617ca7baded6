package dataset

import (
	"os"
	"path"
	"path/filepath"
	"slices"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/stemma-data/stemma/internal/git"
)

// markPresent looks for all of them, some at once. A folder that holds many is
// read, which tells what is a folder itself.
func (d *Dataset) markPresent(list []*Subdataset) {
	parents := map[string][]*Subdataset{}
	for _, s := range list {
		parent := path.Dir(s.Path)
		parents[parent] = append(parents[parent], s)
	}
	top, _ := os.Open(d.Path()) // nil finds nothing, and the long way is taken
	defer top.Close()
	var g errgroup.Group
	g.SetLimit(lookers)
	for parent, children := range parents {
		var folders map[string]bool
		if len(children) > fewChildren {
			folders = foldersIn(d.Repo.Path(filepath.FromSlash(parent)))
		}
		for chunk := range slices.Chunk(children, 32) {
			g.Go(func() error {
				for _, s := range chunk {
					if folders == nil {
						s.Present = d.hasTop(s.Path)
					} else {
						s.Present = folders[path.Base(s.Path)] && (headBelow(top, s.Path) || git.IsTop(s.Abs))
					}
				}
				return nil
			})
		}
	}
	_ = g.Wait()
}

// headBelow looks for a subdataset's HEAD by the short way, from the top.
func headBelow(top *os.File, rel string) bool {
	var st unix.Stat_t
	return unix.Fstatat(int(top.Fd()), rel+"/.git/HEAD", &st, unix.AT_SYMLINK_NOFOLLOW) == nil
}

// foldersIn names the folders in a folder, links to others left out; nil where it
// cannot be read.
func foldersIn(dir string) map[string]bool {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	folders := make(map[string]bool, len(entries))
	for _, e := range entries {
		if e.IsDir() {
			folders[e.Name()] = true
		}
	}
	return folders
}

const (
	// lookers is how many look at once: on a parallel file system each waits.
	lookers = 16
	// fewChildren are sooner looked at one by one than found in their folder.
	fewChildren = 8
)
