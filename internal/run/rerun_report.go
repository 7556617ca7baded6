package run

import "context"

// report emits what would be done with each commit.
func (r *rerun) report(ctx context.Context, steps []*step) error {
	if err := r.readChanges(ctx, steps); err != nil {
		return err
	}
	if err := r.readSizes(ctx, steps); err != nil {
		return err
	}
	for _, s := range steps {
		rec := s.result(r)
		if s.action == actRun {
			rec = rec.With("diff", s.diff(r.d.Path())).With("author", s.author).With("date", s.date).With("rerun_message", nil)
			if r.opt.Message != "" {
				rec = rec.With("rerun_message", r.opt.Message)
			}
		}
		if err := r.sink.Emit(rec); err != nil {
			return err
		}
	}
	return nil
}

// diff lists the changes in DataLad's order: what is gone comes last.
func (s *step) diff(top string) []any {
	list := []any{}
	for _, gone := range []bool{false, true} {
		for _, c := range s.changes {
			if gone == (c.mode == 0) {
				list = append(list, c.result(top))
			}
		}
	}
	return list
}
