package transfer

import (
	"os"
	"strings"
	"time"

	"github.com/stemma-data/stemma/internal/fsx"
)

// leftoverAge is how old a temporary file must be to belong to a process that
// was killed.
const leftoverAge = 24 * time.Hour

// Sweep removes temporary files that killed processes left in the annex.
func (g *Getter) Sweep(now time.Time) {
	entries, err := os.ReadDir(g.Annex.Dir("tmp"))
	if err != nil {
		return
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), fsx.TempPrefix) {
			continue
		}
		path := g.Annex.Dir("tmp", e.Name())
		if changed, ok := changeTime(path); ok && now.Sub(changed) > leftoverAge {
			os.Remove(path)
		}
	}
}

// changeTime is when the file's inode was last touched; the modification time
// will not do, since copies get that of their source.
func changeTime(path string) (time.Time, bool) {
	fi, err := os.Lstat(path)
	if err != nil {
		return time.Time{}, false
	}
	st := gitStat(fi)
	return time.Unix(int64(st.Sec), int64(st.Nsec)), true
}
