package local

import (
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"syscall"

	"golang.org/x/sync/errgroup"
)

// emptied are folders of the object store that were left by keys and may be
// empty. To remove them all at the end asks once for each, and need not be waited
// for by what does not concern them.
type emptied struct {
	mu   sync.Mutex
	dirs map[string]bool
}

// maxEmptied bounds how many folders are remembered.
const maxEmptied = 1 << 16

// add remembers a folder; false if there are too many.
func (e *emptied) add(dir string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.dirs) >= maxEmptied {
		return false
	}
	e.dirs[dir] = true
	return true
}

// tidyAtOnce is how many folders are removed at once.
const tidyAtOnce = 8

// tidy removes the folders that are empty, and those above them.
func (e *emptied) tidy() {
	e.mu.Lock()
	level := e.dirs
	e.dirs = map[string]bool{}
	e.mu.Unlock()
	for range 2 {
		var mu sync.Mutex
		above := map[string]bool{}
		var group errgroup.Group
		group.SetLimit(tidyAtOnce)
		for part := range slices.Chunk(slices.Sorted(maps.Keys(level)), 16) {
			group.Go(func() error {
				for _, dir := range part {
					if syscall.Rmdir(dir) == nil {
						mu.Lock()
						above[filepath.Dir(dir)] = true
						mu.Unlock()
					}
				}
				return nil
			})
		}
		_ = group.Wait()
		level = above
	}
}

// TidyLater leaves folders in place that keys leave empty until tidy is called.
// It is called before the store is used.
func (s *Store) TidyLater() (tidy func()) {
	s.emptied = &emptied{dirs: map[string]bool{}}
	return s.emptied.tidy
}
