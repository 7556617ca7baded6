package dataset

import (
	"io/fs"

	"github.com/stemma-data/stemma/internal/gitobj"
)

// FileMode is the mode with which a regular file is committed. was is that of the
// index, 0 for none: where core.filemode is false, as on file systems without
// permissions, that stays what it was, and new files are not executable.
func (d *Dataset) FileMode(fi fs.FileInfo, was gitobj.Mode) gitobj.Mode {
	switch {
	case d.comparison().fileMode && fi.Mode()&0o100 != 0:
		return gitobj.ModeExec
	case !d.comparison().fileMode && was == gitobj.ModeExec:
		return was
	}
	return gitobj.ModeFile
}
