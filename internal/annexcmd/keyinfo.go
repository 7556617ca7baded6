package annexcmd

import (
	"io/fs"
	"path"
	"time"

	"github.com/stemma-data/stemma/internal/annexkey"
)

// keyInfo describes a file that does not exist yet by the key it will have.
type keyInfo struct {
	key annexkey.Key
	rel string
}

func (i keyInfo) Name() string       { return path.Base(i.rel) }
func (i keyInfo) Size() int64        { return max(i.key.Size, 0) }
func (i keyInfo) Mode() fs.FileMode  { return 0o644 }
func (i keyInfo) ModTime() time.Time { return time.Time{} }
func (i keyInfo) IsDir() bool        { return false }
func (i keyInfo) Sys() any           { return nil }
