package annexcmd

import (
	"io/fs"

	"github.com/stemma-data/stemma/internal/gitobj"
)

// fileMode is the mode with which a file is staged.
func (s *Session) fileMode(rel string, fi fs.FileInfo) (gitobj.Mode, error) {
	if s.D.Repo.Config.Bool("core.filemode", true) {
		return s.D.FileMode(fi, 0), nil
	}
	index, err := s.D.Repo.ReadIndex()
	if err != nil {
		return 0, err
	}
	e, _ := index.Lookup(rel)
	return s.D.FileMode(fi, e.Mode), nil
}
