package annexcmd

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/enable"
)

// special is a special remote that the git-annex branch knows.
type special struct {
	name, uuid string // the UUID of its line, which is not that of its content for sameas
	config     map[string]string
}

// specials lists them, without dead ones.
func (s *Session) specials(ctx context.Context) ([]special, error) {
	data, err := s.Log(ctx, annexlog.RemoteFile)
	if err != nil {
		return nil, err
	}
	r, err := s.Repositories(ctx)
	if err != nil {
		return nil, err
	}
	var list []special
	for _, e := range annexlog.ParseUUIDLog(data).Entries() {
		sp := special{uuid: e.Field, config: annexlog.DecodeConfig(e.Value)}
		if sp.name = sp.config["name"]; sp.name == "" {
			sp.name = sp.config["sameas-name"]
		}
		if sp.name != "" && r.Trust(sp.uuid) != annexlog.Dead {
			list = append(list, sp)
		}
	}
	return list, nil
}

// NewRemote is a special remote that is to be set up.
type NewRemote struct {
	Name    string
	Words   []string // parameters NAME=VALUE
	SameAs  string   // the remote whose content it shares; "" for none
	Private bool     // nobody else shall hear of it
}

// OtherParameters are those that a new remote could have beside the words given.
func (s *Session) OtherParameters(ctx context.Context, n NewRemote) ([]enable.Parameter, error) {
	if err := s.newName(ctx, n.Name); err != nil {
		return nil, err
	}
	params, err := enable.Parameters(n.Words)
	if err != nil {
		return nil, err
	}
	if n.SameAs != "" {
		if _, _, err := s.sameAs(ctx, n.SameAs); err != nil {
			return nil, err
		}
	}
	return enable.WhatElse(ctx, s.setupFor(n.Name, "", params))
}

// InitRemote sets up a new special remote. The note is for people.
func (s *Session) InitRemote(ctx context.Context, n NewRemote) (note string, err error) {
	name, words, sameAs := n.Name, n.Words, n.SameAs
	if err := s.newName(ctx, name); err != nil {
		return "", err
	}
	if n.Private && sameAs != "" {
		return "", errs.WithHint(errors.New("--private cannot be used with --sameas"), "what is recorded about %s would stay private, too", sameAs)
	}
	params, err := enable.Parameters(words)
	if err != nil {
		return "", err
	}
	if params["type"] == "git" && n.Private {
		return "", errors.New("--private cannot be used with type=git, which is for telling others of a repository")
	}
	if params["type"] == "git" && sameAs == "" {
		return "", s.initGitRemote(ctx, name, params)
	}
	uuid, err := takeUUID(params)
	if err != nil {
		return "", err
	}
	main, inherited := "", map[string]string(nil)
	if sameAs != "" {
		if main, inherited, err = s.sameAs(ctx, sameAs); err != nil {
			return "", err
		}
	}
	if n.Private {
		back, failed := s.makePrivate(name, uuid)
		if failed != nil {
			return "", failed
		}
		defer func() {
			if err != nil {
				back()
			}
		}()
	}
	res, err := enable.Init(ctx, s.setupFor(name, uuid, params), main, inherited)
	if err != nil {
		return "", err
	}
	if main == "" {
		if err := s.setValue(ctx, annexlog.UUIDFile, uuid, name); err != nil {
			return "", err
		}
	}
	return res.Note, s.recordRemote(ctx, name, uuid, res)
}

// checkName refuses names that git could take for an option. They may stand on
// the git-annex branch.
func checkName(name string) error {
	if name == "" || strings.HasPrefix(name, "-") || strings.HasPrefix(name, ".") || strings.Contains(name, "..") ||
		strings.ContainsAny(name, "\x00/\\\"=~^:?*[$`;|&<>(){}'") || strings.ContainsFunc(name, func(c rune) bool { return c <= ' ' || c == 0x7f }) {
		return fmt.Errorf("%q cannot be the name of a remote", name)
	}
	return nil
}

// newName refuses names that something else has.
func (s *Session) newName(ctx context.Context, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	list, err := s.specials(ctx)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(list, func(sp special) bool { return sp.name == name }) {
		return errs.WithHint(fmt.Errorf("There is already a special remote named %q.", name), "use enableremote to enable it")
	}
	if len(s.D.Repo.Config.Keys("remote."+name+".")) > 0 {
		return fmt.Errorf("There is already a remote named %q", name)
	}
	return nil
}

func (s *Session) sameAs(ctx context.Context, name string) (uuid string, config map[string]string, err error) {
	r, err := s.Repositories(ctx)
	if err != nil {
		return "", nil, err
	}
	if uuid, err = r.Resolve(name); err != nil {
		return "", nil, err
	}
	data, err := s.Log(ctx, annexlog.RemoteFile)
	e, _ := annexlog.ParseUUIDLog(data).Get(uuid)
	return uuid, annexlog.DecodeConfig(e.Value), err
}

func (s *Session) setupFor(name, uuid string, config map[string]string) remote.Setup {
	setup := s.D.RemoteSetup(remote.Spec{Name: name, Kind: remote.Special, UUID: uuid}, config)
	setup.Force = s.Force
	return setup
}

// recordRemote writes to the git-annex branch, where that changes something,
// and to git's configuration.
func (s *Session) recordRemote(ctx context.Context, name, uuid string, res enable.Result) error {
	data, err := s.Log(ctx, annexlog.RemoteFile)
	if err != nil {
		return err
	}
	line := annexlog.EncodeConfig(res.Config)
	if old, _ := annexlog.ParseUUIDLog(data).Get(uuid); old.Value != line {
		if err := s.setValue(ctx, annexlog.RemoteFile, uuid, line); err != nil {
			return err
		}
	}
	var edits []git.ConfigEdit
	for _, v := range res.Git {
		edits = append(edits, git.ConfigEdit{Key: "remote." + name + "." + v[0], Value: v[1]})
	}
	return s.D.Repo.SetConfig(edits...)
}

// EnableRemote uses a special remote here that another clone has set up. The note
// is for people.
func (s *Session) EnableRemote(ctx context.Context, name string, words []string) (note string, err error) {
	list, err := s.specials(ctx)
	if err != nil {
		return "", err
	}
	if name == "" {
		return "", unknownSpecial(errors.New("Specify the name of the special remote to enable."), list)
	}
	found := slices.DeleteFunc(slices.Clone(list), func(sp special) bool { return sp.name != name && sp.uuid != name })
	switch {
	case len(found) == 0 && s.D.Repo.Config.Get("remote."+name+".url") != "":
		return "", s.D.Repo.SetConfig(git.ConfigEdit{Key: "remote." + name + ".annex-ignore", Value: "false"})
	case len(found) == 0:
		return "", unknownSpecial(fmt.Errorf("Unknown special remote %q.", name), list)
	case len(found) > 1:
		return "", errs.WithHint(fmt.Errorf("Multiple special remotes are named %q.", name), "use the UUID: %s or %s", found[0].uuid, found[1].uuid)
	}
	more, err := enable.Parameters(words)
	if err != nil {
		return "", err
	}
	sp := found[0]
	if err := checkName(sp.name); err != nil {
		return "", err
	}
	if sp.config["type"] == "git" && len(more) > 0 {
		return "", fmt.Errorf("That is a normal git remote; passing these parameters does not make sense: %s", strings.Join(words, " "))
	}
	if sp.config["type"] == "git" && s.D.Repo.Config.Get("remote."+sp.name+".annex-uuid") == sp.uuid {
		return "", s.D.Repo.SetConfig(git.ConfigEdit{Key: "remote." + sp.name + ".annex-ignore", Value: "false"})
	}
	if s.D.Repo.Config.Get("remote."+sp.name+".url") != "" {
		return "", errs.WithHint(fmt.Errorf("another remote is called %s already", sp.name), "rename that one: git remote rename %s NEW", sp.name)
	}
	if sp.config["type"] == "git" {
		return "", s.enableGitRemote(ctx, sp)
	}
	res, err := enable.Enable(ctx, s.setupFor(sp.name, sp.uuid, sp.config), more)
	if err != nil {
		return "", err
	}
	return res.Note, s.recordRemote(ctx, sp.name, sp.uuid, res)
}

func unknownSpecial(err error, list []special) error {
	var names []string
	for _, sp := range list {
		names = append(names, sp.name)
	}
	if len(names) == 0 {
		return errs.WithHint(err, "no special remotes are known; perhaps the git-annex branch of the repository that made it must be fetched")
	}
	return errs.WithHint(err, "known special remotes: %s", strings.Join(names, " "))
}

// AutoEnable enables the special remotes that want it (autoenable=true) and are
// not used here yet. One that cannot be is told to people, and stops nothing.
func (s *Session) AutoEnable(ctx context.Context) error {
	list, err := s.specials(ctx)
	if err != nil {
		return err
	}
	for _, sp := range list {
		auto, _ := git.ParseBool(sp.config["autoenable"])
		if !auto || len(s.D.Repo.Config.Keys("remote."+sp.name+".")) > 0 || sp.config["type"] == "git" && s.isRemote(sp.uuid) {
			continue
		}
		if _, err := s.EnableRemote(ctx, sp.uuid, nil); err != nil {
			s.D.Env.Log.Warn(fmt.Sprintf("special remote %s cannot be enabled by itself: %v", sp.name, err))
		}
	}
	return ctx.Err()
}

var uuidForm = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// takeUUID is the identity that the user wants for the remote (uuid=), or a new
// one.
func takeUUID(params map[string]string) (string, error) {
	want, ok := params["uuid"]
	delete(params, "uuid")
	if !ok {
		return dataset.NewUUID(), nil
	}
	if !uuidForm.MatchString(want) {
		return "", errs.WithHint(fmt.Errorf("invalid uuid %q", want), "write it as 8-4-4-4-12 hexadecimal digits")
	}
	return want, nil
}

// RemoteOption is a field of a special remote's configuration on the git-annex
// branch; "" if it has none.
func (s *Session) RemoteOption(ctx context.Context, uuid, field string) (string, error) {
	data, err := s.Log(ctx, annexlog.RemoteFile)
	if err != nil {
		return "", err
	}
	e, _ := annexlog.ParseUUIDLog(data).Get(uuid)
	return annexlog.DecodeConfig(e.Value)[field], nil
}
