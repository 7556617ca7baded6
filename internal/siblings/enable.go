package siblings

import (
	"context"
	"fmt"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/enable"
)

// Enable configures a special remote as git-annex does when it enables one by
// itself: with what the git-annex branch says, and nothing that only the user
// knows. Nothing is asked of the remote.
func Enable(ctx context.Context, d *dataset.Dataset, s Special) error {
	if err := CheckName(s.Name); err != nil {
		return err
	}
	if d.Repo.Config.Get("remote."+s.Name+".url") != "" && !s.Enabled(d.Repo.Config) {
		return errs.WithHint(fmt.Errorf("another remote is called %s already", s.Name), "rename that one: git remote rename %s NEW", s.Name)
	}
	edits, err := s.settings(d)
	if err != nil {
		return err
	}
	return d.Repo.SetConfig(edits...)
}

// settings are the variables by which git-annex knows the remote again.
func (s Special) settings(d *dataset.Dataset) ([]git.ConfigEdit, error) {
	if s.Config["type"] == "git" {
		if err := git.CheckUntrustedURL(s.Config["location"]); err != nil {
			return nil, err
		}
		return []git.ConfigEdit{git.Set("remote."+s.Name+".url", s.Config["location"]), git.Set("remote."+s.Name+".fetch", "+refs/heads/*:refs/remotes/"+s.Name+"/*")}, nil
	}
	variables, err := enable.Variables(d.RemoteSetup(remote.Spec{Name: s.Name, Kind: remote.Special, UUID: s.UUID}, s.Config))
	var edits []git.ConfigEdit
	for _, v := range variables {
		edits = append(edits, git.Set("remote."+s.Name+"."+v[0], v[1]))
	}
	return edits, err
}
