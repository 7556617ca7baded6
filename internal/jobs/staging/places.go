package staging

import (
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/stemma-data/stemma/internal/jobs/committed"
)

// Places are the folders that the job will expect: its own, those of its
// outputs, and those that its log files go to.
func (s *Staging) Places() []string {
	list := append([]string{s.Work.Pwd}, s.folders...)
	for _, claim := range s.Claims {
		list = append(list, path.Dir(claim))
		if e := s.Files.Lookup(claim); committed.IsFolder(e) {
			list = append(list, claim)
		} else if fi, err := os.Stat(filepath.Join(s.Work.Top, filepath.FromSlash(claim))); err == nil && fi.IsDir() {
			list = append(list, claim)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}
