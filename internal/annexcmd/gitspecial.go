package annexcmd

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/enable"
)

// initGitRemote records a git remote in the git-annex branch (type=git), so that
// other clones can add it by its name: location= is the URL of a remote that is
// configured here.
func (s *Session) initGitRemote(ctx context.Context, name string, params map[string]string) error {
	location := params["location"]
	if location == "" {
		return errors.New("Specify location=url")
	}
	if err := enable.CheckGit(params); err != nil {
		return err
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
		if sp, err := s.RemoteOption(ctx, uuid, "name"); err != nil || sp != "" {
			return errors.Join(err, errs.WithHint(fmt.Errorf("the repository at %s is the special remote %q already", location, sp), "use enableremote to enable it"))
		}
		params["name"] = name
		if err := s.addGitRemote(ctx, name, location, uuid); err != nil {
			return err
		}
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
	return s.addGitRemote(ctx, sp.name, location, sp.uuid)
}

// isRemote reports whether the repository is a remote here, under whatever name.
func (s *Session) isRemote(uuid string) bool {
	return slices.ContainsFunc(remote.List(s.D.Repo.Config, s.D.Path()), func(spec remote.Spec) bool { return spec.UUID == uuid })
}

// addGitRemote makes the repository a remote here.
func (s *Session) addGitRemote(ctx context.Context, name, location, uuid string) error {
	if _, err := s.D.Repo.Output(ctx, "remote", "add", "--", name, location); err != nil {
		return err
	}
	return s.D.Repo.SetConfig(git.ConfigEdit{Key: "remote." + name + ".annex-uuid", Value: uuid})
}
