package smudge

import (
	"context"
	"fmt"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/pointer"
)

// checkForeign warns of a pointer that is new to git, and whose key this
// repository knows nothing about.
func (f *Filter) checkForeign(ctx context.Context, rel string, k annexkey.Key) error {
	if k.Safe() != nil || f.staged(rel, k) {
		return nil
	}
	if _, object := f.d.Annex.Object(k); object != nil {
		return nil
	}
	log, err := f.d.Annex.ReadLog(ctx, annexlog.LocationPath(k))
	if err == nil && len(log) == 0 {
		f.d.Env.Log.Warn(fmt.Sprintf("%s is a git-annex pointer file. Its content is not available in this repository. (Maybe %[1]s was copied from another repository?)", rel))
	}
	return err
}

// staged reports whether the index has the pointer at the path already.
func (f *Filter) staged(rel string, k annexkey.Key) bool {
	if f.index == nil {
		return false
	}
	e, ok := f.index.Lookup(rel)
	format := f.d.Repo.Format
	return ok && e.Mode.IsRegular() && e.OID == format.HashObject("blob", pointer.Format(k))
}
