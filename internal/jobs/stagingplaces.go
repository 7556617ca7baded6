package jobs

import (
	"os"
	"path"
	"path/filepath"
	"slices"
)

// places are the folders that the job will expect: its own, those of its
// outputs, and those that its log files go to.
func (s *staging) places() []string {
	list := append([]string{s.w.pwd}, s.folders...)
	for _, claim := range s.claims {
		list = append(list, path.Dir(claim))
		if e := s.files.lookup(claim); isFolder(e) {
			list = append(list, claim)
		} else if fi, err := os.Stat(filepath.Join(s.w.top, filepath.FromSlash(claim))); err == nil && fi.IsDir() {
			list = append(list, claim)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}
