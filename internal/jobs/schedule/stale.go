package schedule

import (
	"github.com/stemma-data/stemma/internal/stage"

	"github.com/stemma-data/stemma/internal/jobs/stages"
)

// dropStale removes what belongs to claims that were taken over.
func (c *Job) dropStale() {
	for _, folder := range c.stale {
		n, err := stages.ReadNote(stages.NotePath(c.d, folder))
		if err == nil && n.Folder == folder {
			err = stage.Remove(folder)
		}
		if err == nil {
			_ = n.Forget(c.d)
		}
	}
	c.stale = nil
}
