package update

import (
	"context"
	"errors"

	"github.com/stemma-data/stemma/internal/annexcmd"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/result"
)

// sync does on an adjusted branch what DataLad leaves to `git annex sync` there:
// what the sibling has is merged into the original branch.
func (s *step) sync(ctx context.Context) (failed bool, err error) {
	r := s.record(s.d, "update.annex_sync", result.OK).Msg("Ran git-annex-sync")
	if err := s.synchronize(ctx); err != nil {
		if ctx.Err() != nil {
			return true, err
		}
		r = r.As(result.Error).Msg(err.Error())
	}
	return r.Status.Failed(), s.sink.Emit(r)
}

func (s *step) synchronize(ctx context.Context) error {
	d, err := dataset.Open(ctx, s.d.Path(), "update", s.d.Env)
	if err != nil {
		return err
	}
	defer d.Close()
	session, err := annexcmd.Open(ctx, d, annexcmd.Settings{})
	if err != nil {
		return err
	}
	opt := annexcmd.SyncOptions{Remotes: []string{s.sibling}, NoCommit: true, NoPush: true, Fetched: true}
	var failed error
	err = session.Synchronize(ctx, opt, func(_ string, err error) error {
		failed = errors.Join(failed, err) // and go on: what is here can be brought together
		return nil
	})
	return errors.Join(failed, err, session.Close(ctx), session.Release())
}
