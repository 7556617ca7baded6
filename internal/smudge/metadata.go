package smudge

import (
	"context"
	"io/fs"
	"strings"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexkey"
)

// inherit notes the metadata of a file's new key: what the key has that the last
// commit knows the file by, and its date where that is configured.
func (f *Filter) inherit(ctx context.Context, rel string, fi fs.FileInfo, k annexkey.Key) error {
	if f.ancestors == nil {
		f.ancestors = f.d.Ancestors(ctx)
	}
	log, err := f.ancestors.Metadata(ctx, rel, k)
	if err != nil {
		return err
	}
	if e, ok := annex.InheritMetadata(log, k); ok {
		f.metadata = append(f.metadata, e)
		f.d.Env.Log.Warn(strings.TrimSpace(annex.InheritedNote(rel)))
	}
	if f.d.Repo.Config.Bool("annex.genmetadata", false) {
		f.metadata = append(f.metadata, annex.DateMetadata(k, fi.ModTime(), f.d.LogClock()))
	}
	return nil
}
