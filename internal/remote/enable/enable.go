// Package enable sets special remotes up: new ones (initremote) and those that
// the git-annex branch knows already (enableremote). It checks parameters as
// git-annex does and prepares the storage; what is to be written to the
// git-annex branch and to git's configuration it returns.
package enable

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/all"
	"github.com/stemma-data/stemma/internal/remote/chunk"
	"github.com/stemma-data/stemma/internal/remote/crypt"
)

// Result is what is to be recorded of a remote that has been set up.
type Result struct {
	Config map[string]string // its line of remote.log
	Git    [][2]string       // variables below remote.NAME. of git's configuration, with values
	Note   string            // for people, may be ""
}

// Parameters reads words NAME=VALUE.
func Parameters(words []string) (map[string]string, error) {
	config := map[string]string{}
	for _, w := range words {
		name, v, ok := strings.Cut(w, "=")
		if !ok || name == "" || strings.ContainsAny(name, " \t\n") {
			return nil, errs.WithHint(fmt.Errorf("%q is no parameter", w), "write it as name=value")
		}
		if strings.ContainsAny(v, "\x00\n") {
			return nil, fmt.Errorf("parameter %s has a line break", name)
		}
		config[name] = v
	}
	return config, nil
}

// common are the fields that every type has, but for those of content where none
// is kept.
func (k kind) common() []string {
	if k.plain {
		return []string{"name", "type", "autoenable", "cost", "sameas-name", "sameas-uuid", "exporttree", "importtree"}
	}
	return []string{
		"name", "type", "encryption", "mac", "keyid", "keyid+", "keyid-", "highRandomQuality", "chunk", "embedcreds", "onlyencryptcreds",
		"autoenable", "exporttree", "importtree", "cost", "readonly", "sameas-name", "sameas-uuid", "cipher", "cipherkeys", "pubkeys",
	}
}

// Init sets up a new remote. s.Name and s.UUID are those that it gets, s.Config
// are the parameters. For a remote that shares the content of another one
// (sameas), inherited is that one's configuration and mainUUID its identity.
func Init(ctx context.Context, s remote.Setup, mainUUID string, inherited map[string]string) (Result, error) {
	s.Config = maps.Clone(s.Config)
	if mainUUID != "" {
		var err error
		if s.Config, err = inherit(s.Config, inherited); err != nil {
			return Result{}, err
		}
	}
	k, err := check(s)
	if err != nil {
		return Result{}, err
	}
	if err := errors.Join(checkValues(s.Option("type"), s.Config), k.checkListed(ctx, s, s.Config)); err != nil {
		return Result{}, err
	}
	if mainUUID == "" {
		if s.Option("type") == "httpalso" {
			return Result{}, errs.WithHint(errors.New("a httpalso remote shows the content of another one"), "--sameas=REMOTE, without encryption=")
		}
		s.Config["name"] = s.Name
		if k.plain {
			return finish(ctx, s, k, s.UUID, s.UUID, "")
		}
		var note string
		if s.Config, note, err = crypt.Create(ctx, s); err != nil {
			return Result{}, err
		}
		return finish(ctx, s, k, s.UUID, s.UUID, note)
	}
	delete(s.Config, "name")
	s.Config["sameas-name"], s.Config["sameas-uuid"] = s.Name, mainUUID
	res, err := finish(ctx, s, k, mainUUID, s.UUID, "")
	for _, field := range remote.Inherited() {
		delete(res.Config, field)
	}
	return res, err
}

// inherit adds the fields that a remote has from the one whose content it shares.
// It may repeat them, but not change them.
func inherit(config, main map[string]string) (map[string]string, error) {
	for _, field := range remote.Inherited() {
		own, given := config[field]
		if given && own != main[field] {
			return nil, fmt.Errorf("%s= is inherited from the other remote", field)
		}
		if v, ok := main[field]; ok {
			config[field] = v
		}
	}
	return config, nil
}

// Enable uses a remote here that the git-annex branch knows: s.Config is its
// configuration there, more are parameters to be changed. The UUID is that of
// its line.
func Enable(ctx context.Context, s remote.Setup, more map[string]string) (Result, error) {
	config := maps.Clone(s.Config)
	delete(config, "directory") // a path of this machine comes from its user, not from the branch
	if v, ok := more["encryption"]; ok && v != config["encryption"] && (v != "none" || config["encryption"] != "") {
		return Result{}, fmt.Errorf("cannot change the encryption of a special remote from %s to %s", config["encryption"], v)
	}
	if v, ok := more["type"]; ok && v != config["type"] {
		return Result{}, errors.New("cannot change the type of a special remote")
	}
	for _, field := range []string{"exporttree", "importtree"} {
		if v, ok := more[field]; ok && (v == "yes") != (config[field] == "yes") {
			return Result{}, fmt.Errorf("cannot change %s of existing special remote", field)
		}
	}
	for _, fixed := range []string{"cipher", "cipherkeys", "pubkeys", "mac", "onlyencryptcreds"} {
		if v, ok := more[fixed]; ok && v != config[fixed] {
			return Result{}, errs.WithHint(fmt.Errorf("%s= cannot be changed", fixed), "what is stored there could not be found or read any more")
		}
	}
	s.Config = config
	config, note, err := crypt.Rekey(ctx, s, more)
	if err != nil {
		return Result{}, err
	}
	more = maps.Clone(more)
	delete(more, "keyid+")
	delete(more, "keyid-")
	config = maps.Clone(config)
	maps.Copy(config, more)
	s.Config = config
	k, err := check(s)
	if err == nil {
		err = checkValues(config["type"], more)
	}
	if err == nil && !k.plain && config["encryption"] == "" && config["sameas-uuid"] == "" {
		err = errs.WithHint(errors.New("the git-annex branch does not say how this remote is encrypted"), "if it is not: add encryption=none")
	}
	if err == nil {
		err = k.checkListed(ctx, s, more)
	}
	if err != nil {
		return Result{}, err
	}
	main := config["sameas-uuid"]
	if main == "" {
		main = s.UUID
	}
	return finish(ctx, s, k, main, s.UUID, note)
}

// kindOf finds the kind by its name.
func kindOf(t string) (kind, error) {
	if t == "" {
		return kind{}, errs.WithHint(errors.New("Specify the type of the remote with type="), "types: %s", strings.Join(types(), ", "))
	}
	k, ok := kinds()[t]
	if !ok {
		return kind{}, errs.WithHint(fmt.Errorf("remote type %s is not supported yet", t), "types: %s; others can be set up with git-annex itself", strings.Join(types(), ", "))
	}
	return k, nil
}

// check finds the kind and refuses what it does not know.
func check(s remote.Setup) (kind, error) {
	t := s.Option("type")
	k, err := kindOf(t)
	if err != nil {
		return kind{}, err
	}
	if err := k.knows(s.Config); err != nil {
		return kind{}, err
	}
	if err := checkTrees(s, t); err != nil {
		return kind{}, err
	}
	if _, err := chunk.FromConfig(s); err != nil {
		return kind{}, err
	}
	return k, nil
}

// checkTrees refuses what a remote that holds trees of files cannot have.
func checkTrees(s remote.Setup, kind string) error {
	exports, imports := all.KeepsTrees(kind)
	switch {
	case s.Yes("exporttree") && !exports:
		return errs.WithHint(fmt.Errorf("exporttree=yes is not supported by remotes of type %s", kind), "leave exporttree out, or set the remote up with git-annex itself")
	case s.Yes("importtree") && !imports:
		return errs.WithHint(fmt.Errorf("importtree=yes is not supported by remotes of type %s", kind), "leave importtree out")
	case s.Option("sameas-uuid") != "" && s.Option("encryption") == "":
		return nil // it was checked with what it inherits when it was set up
	case (s.Yes("exporttree") || s.Yes("importtree")) && s.Option("encryption") != "none":
		return errs.WithHint(errors.New("cannot enable both encryption and exporttree"), "encryption=none: a tree is for those who have no key")
	}
	return nil
}

func (k kind) knows(config map[string]string) error {
	if k.any {
		return nil
	}
	var strange []string
	for field := range config {
		prefixed := slices.ContainsFunc(k.prefixes, func(p string) bool { return strings.HasPrefix(field, p) })
		if !prefixed && !slices.Contains(k.common(), field) && !slices.Contains(k.fields, field) {
			strange = append(strange, field)
		}
	}
	if len(strange) > 0 {
		slices.Sort(strange)
		return errs.WithHint(fmt.Errorf("Unexpected parameters: %s", strings.Join(strange, " ")), "this type has: %s", strings.Join(k.fields, " "))
	}
	return nil
}

// finish prepares the storage and puts together what is to be recorded.
func finish(ctx context.Context, s remote.Setup, k kind, uuid, configUUID, note string) (Result, error) {
	s.UUID = uuid
	variables, err := k.identify(s, configUUID)
	variables = append(variables, [2]string{"skipfetchall", "true"})
	if err != nil || k.prepare == nil {
		return Result{s.Config, variables, note}, err
	}
	config, err := k.prepare(ctx, s)
	return Result{config, variables, note}, err
}

// identify puts together what makes git's configuration know the remote.
func (k kind) identify(s remote.Setup, configUUID string) ([][2]string, error) {
	variables, err := k.variables(s)
	if err != nil {
		return nil, err
	}
	variables = append(variables, [2]string{"annex-uuid", s.UUID})
	if configUUID != s.UUID {
		variables = append(variables, [2]string{"annex-config-uuid", configUUID})
	}
	if cost := s.Option("cost"); cost != "" {
		variables = append(variables, [2]string{"annex-cost", cost})
	} else if k.cost != nil {
		variables = append(variables, k.cost(s)...)
	}
	return variables, nil
}

// Variables are what makes git's configuration know a remote that the git-annex
// branch describes, without any storage being asked: that it can be used shows
// when it is used. s is as for Enable.
func Variables(s remote.Setup) ([][2]string, error) {
	s.Config = maps.Clone(s.Config)
	delete(s.Config, "directory") // a path of this machine comes from its user, not from the branch
	k, err := check(s)
	if err != nil {
		return nil, err
	}
	configUUID := s.UUID
	if main := s.Option("sameas-uuid"); main != "" {
		s.UUID = main
	}
	return k.identify(s, configUUID)
}
