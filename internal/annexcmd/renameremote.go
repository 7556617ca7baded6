package annexcmd

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/errs"
)

// RenameRemote gives a special remote another name on the git-annex branch, by
// which it is enabled. What it is called in git's configuration here stays. old is
// a name there, or what else leads to the remote.
func (s *Session) RenameRemote(ctx context.Context, old, name string) error {
	list, err := s.specials(ctx)
	if err != nil {
		return err
	}
	sp, err := s.specialCalled(ctx, list, old)
	if err != nil {
		return err
	}
	if err := checkName(name); err != nil {
		return err
	}
	if slices.ContainsFunc(list, func(other special) bool { return other.name == name }) {
		return fmt.Errorf("The name %s is already used by a special remote.", name)
	}
	config := maps.Clone(sp.config)
	field := "name"
	if config["sameas-uuid"] != "" {
		field = "sameas-name"
	}
	config[field] = name
	return s.setValue(ctx, annexlog.RemoteFile, sp.uuid, annexlog.EncodeConfig(config))
}

// specialCalled finds a special remote by its name, or by what else repositories
// are called.
func (s *Session) specialCalled(ctx context.Context, list []special, text string) (special, error) {
	named := slices.DeleteFunc(slices.Clone(list), func(sp special) bool { return sp.name != text })
	switch {
	case len(named) == 1:
		return named[0], nil
	case len(named) > 1:
		return special{}, errs.WithHint(fmt.Errorf("Multiple special remotes are named %q.", text), "use the UUID: %s or %s", named[0].uuid, named[1].uuid)
	}
	uuid := text
	if !slices.ContainsFunc(list, func(sp special) bool { return sp.uuid == text }) {
		r, err := s.Repositories(ctx)
		if err != nil {
			return special{}, err
		}
		if uuid, err = r.Resolve(text); err != nil {
			return special{}, err
		}
	}
	for _, sp := range list {
		if sp.uuid == uuid {
			return sp, nil
		}
	}
	return special{}, errors.New("That is not a special remote.")
}
