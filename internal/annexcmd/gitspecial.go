package annexcmd

import (
	"context"
	"errors"
	"fmt"

	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/remote"
)

// initGitRemote records a git remote in the git-annex branch (type=git), so that
// other clones can add it by its name: location= is the URL of a remote that is
// configured here.
func (s *Session) initGitRemote(ctx context.Context, name string, params map[string]string) error {
	location := params["location"]
	if location == "" {
		return errors.New("Specify location=url")
	}
	r, err := s.Repositories(ctx)
	if err != nil {
		return err
	}
	for _, p := range r.Peers {
		if p.Spec.Kind == remote.Special || p.Spec.URL != location {
			continue
		}
		uuid, err := known(p.Spec, p.UUID())
		if err != nil {
			return err
		}
		params["name"] = name
		return s.setValue(ctx, annexlog.RemoteFile, uuid, annexlog.EncodeConfig(params))
	}
	return errs.WithHint(errors.New("could not find existing git remote with specified location"), "git remote add NAME %s", location)
}

// enableGitRemote adds a git remote that another clone has recorded.
func (s *Session) enableGitRemote(ctx context.Context, sp special) error {
	location := sp.config["location"]
	if location == "" {
		return fmt.Errorf("special remote %s has no location", sp.name)
	}
	if err := git.CheckUntrustedURL(location); err != nil {
		return err
	}
	if _, err := s.D.Repo.Output(ctx, "remote", "add", "--", sp.name, location); err != nil {
		return err
	}
	return s.D.Repo.SetConfig(git.ConfigEdit{Key: "remote." + sp.name + ".annex-uuid", Value: sp.uuid})
}
