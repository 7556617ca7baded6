package jobs

import "github.com/stemma-data/stemma/internal/stage"

// dropStale removes what belongs to claims that were taken over.
func (c *scheduling) dropStale() {
	for _, folder := range c.stale {
		n, err := readNote(notePath(c.d, folder))
		if err == nil && n.Folder == folder {
			err = stage.Remove(folder)
		}
		if err == nil {
			_ = n.forget(c.d)
		}
	}
	c.stale = nil
}
