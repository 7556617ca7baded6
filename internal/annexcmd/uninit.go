package annexcmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
)

// Uninit makes the repository one without an annex: hooks, filters, settings
// and the git-annex branch go, and so does the annex once no content is in it.
func (s *Session) Uninit(ctx context.Context) error {
	left := 0
	if err := s.LocalKeys(func(annexkey.Key, int64) error { left++; return nil }); err != nil {
		return err
	}
	if left > 0 {
		return errs.WithHint(fmt.Errorf("Not fully uninitialized: some annexed data is still left in %s", s.D.Annex.Dir("objects")),
			"`git annex unused` shows what no file refers to")
	}
	for name := range annexHooks() {
		path := filepath.Join(s.D.Repo.CommonDir, "hooks", name)
		text, err := os.ReadFile(path)
		if err == nil && annex.IsOwnHook(name, string(text)) {
			if err := os.Remove(path); err != nil {
				return err
			}
		}
	}
	if err := os.RemoveAll(s.D.Annex.Dir()); err != nil {
		return err
	}
	for _, section := range []string{"annex", "filter.annex"} {
		if _, err := s.D.Repo.Output(ctx, "config", "--local", "--remove-section", section); err != nil {
			s.D.Env.Log.Debug("uninit", "section", section, "error", err)
		}
	}
	attributes := filepath.Join(s.D.Repo.CommonDir, "info", "attributes")
	if text, err := os.ReadFile(attributes); err == nil && string(text) == "\n* filter=annex\n" {
		err = os.Remove(attributes)
		if err != nil {
			return err
		}
	}
	if _, err := s.D.Repo.Output(ctx, "branch", "-D", "git-annex"); err != nil {
		return err
	}
	return nil
}

func annexHooks() map[string]bool {
	return map[string]bool{"pre-commit": true, "post-checkout": true, "post-merge": true, "post-receive": true}
}

// Reinit makes the repository the one with the identity, or the description,
// that the git-annex branch knows.
func Reinit(ctx context.Context, d *dataset.Dataset, name string) error {
	if d.Annex != nil {
		return errors.New("reinit: this repository is initialised already")
	}
	if err := d.InitAnnexAs(ctx, name); err != nil {
		return err
	}
	s, err := Open(ctx, d, Settings{})
	if err != nil {
		return err
	}
	if err := s.LocalKeys(func(k annexkey.Key, _ int64) error {
		return s.SetLocation(ctx, k, d.Annex.UUID, '1')
	}); err != nil {
		return err
	}
	return s.Close(ctx)
}
