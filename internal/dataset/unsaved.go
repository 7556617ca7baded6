package dataset

import (
	"context"
	"fmt"

	"github.com/stemma-data/stemma/internal/result"
)

// Unsaved reports content in the scope that would be lost if it were deleted
// now: what git does not know, and files that are neither as the last commit
// has them nor stored otherwise. It says whether there is any.
func (d *Dataset) Unsaved(ctx context.Context, scope Scope, sink result.Sink) (bool, error) {
	changes, err := d.Changes(ctx, scope)
	if err != nil {
		return false, err
	}
	forgotten := map[string]Change{} // taken out of the index alone
	for _, c := range changes {
		if c.OID == "" && c.State == Deleted {
			forgotten[c.Path] = c
		}
	}
	found := false
	for _, c := range changes {
		switch {
		case c.State == Added && c.WorkTree && !c.Gone:
			c.State = Modified
		case c.State != Modified && c.State != Untracked:
			continue
		}
		found = true
		if err := sink.Emit(d.unsavedRecord(c, forgotten[c.Path])); err != nil {
			return true, err
		}
	}
	return found, nil
}

func (d *Dataset) unsavedRecord(c, forgotten Change) result.Record {
	r := d.Record("drop", c.Path, c.Type).As(result.Impossible).With("parentds", d.Path())
	if c.State == Untracked && forgotten.Prev != "" {
		c.State, c.Prev = Modified, forgotten.Prev
		r = r.With("gitshasum", nil)
	}
	if c.OID != "" {
		r = r.With("gitshasum", string(c.OID))
	}
	if c.Prev != "" {
		r = r.With("prev_gitshasum", string(c.Prev))
	}
	return r.With("state", string(c.State)).Msg(fmt.Sprintf("cannot drop %s content, save first", c.State))
}
