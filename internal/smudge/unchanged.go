package smudge

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// unchanged reports whether a file is, byte for byte, the blob of its index
// entry. git asks for such a file again whenever its time stamp or inode is
// another one; what has gone to git stays there then, even if annex.largefiles
// matches it by now. Only a file of the size that the entry knows of is read.
func (f *Filter) unchanged(ctx context.Context, e gitindex.Entry, full string, fi fs.FileInfo) (bool, error) {
	if !e.Mode.IsRegular() {
		return false, nil
	}
	// 0 is the size of an entry that git could not trust at the time.
	if known := e.Stat.Size; known != 0 && known != gitindex.StatOf(fi).Size {
		return false, nil
	}
	file, err := os.Open(full)
	if err != nil {
		return false, err
	}
	defer file.Close()
	h := f.d.Repo.Format.New()
	fmt.Fprintf(h, "blob %d\x00", fi.Size())
	if _, err := io.Copy(h, file); err != nil {
		return false, fmt.Errorf("hash %s: %w", full, err)
	}
	return gitobj.FromBytes(h.Sum(nil)) == e.OID, ctx.Err()
}
