package dataset

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/result"
)

// ConfigScope is where a configuration variable is read or written.
type ConfigScope string

// The scopes of `configuration --scope`.
const (
	ScopeAny      ConfigScope = ""         // the effective value; writing means ScopeLocal
	ScopeGlobal   ConfigScope = "global"   // the user's
	ScopeLocal    ConfigScope = "local"    // the repository's; reading includes the user's
	ScopeBranch   ConfigScope = "branch"   // .datalad/config, which is committed
	ScopeOverride ConfigScope = "override" // of this call only: -c and the environment
)

// ConfigItem is a name, and a value where one is to be set.
type ConfigItem struct{ Name, Value string }

// branchConfigFile holds the settings that a dataset brings along.
const branchConfigFile = ".datalad/config"

// ConfigCall is one action on configuration variables.
type ConfigCall struct {
	Action string // get, set, unset or dump
	Scope  ConfigScope
	Items  []ConfigItem
	Levels int // of subdatasets that take part
}

// Configuration reads or changes variables, and reports one record for each.
func (d *Dataset) Configuration(ctx context.Context, call ConfigCall, sink result.Sink) error {
	if err := d.configure(ctx, call, within(d.Path(), sink)); err != nil {
		return err
	}
	if call.Levels == 0 {
		return nil
	}
	opt := SubdatasetsOptions{State: "present", Levels: call.Levels}
	return d.Subdatasets(ctx, opt, func(s *Subdataset) error {
		rel, err := d.Rel(s.Abs)
		if err != nil {
			return err
		}
		sub, done, err := d.at(ctx, rel)
		if err != nil {
			return err
		}
		defer done()
		return sub.configure(ctx, call, within(d.Path(), sink))
	})
}

func (d *Dataset) configure(ctx context.Context, call ConfigCall, sink result.Sink) error {
	for _, it := range d.named(call) {
		r := result.New(call.Action+"_configuration", result.OK, d.Path(), "").With("name", it.Name)
		if !strings.Contains(it.Name, ".") {
			r = result.New("configuration", result.Error, d.Path(), result.Dataset).With("message", result.Tuple{"Configuration key without a section: '%s'", it.Name})
		} else if err := d.configureOne(ctx, call, it, &r); err != nil {
			return err
		}
		if err := sink.Emit(r); err != nil {
			return err
		}
	}
	return nil
}

// named are the variables that a call is about: for a bare dump, all of them.
func (d *Dataset) named(call ConfigCall) []ConfigItem {
	if call.Action != "dump" || len(call.Items) > 0 {
		return call.Items
	}
	names := d.ConfigKeys("")
	for _, s := range settings {
		names = append(names, s.Name)
	}
	slices.Sort(names)
	var all []ConfigItem
	for _, n := range slices.Compact(names) {
		all = append(all, ConfigItem{Name: n})
	}
	return all
}

func (d *Dataset) configureOne(ctx context.Context, call ConfigCall, it ConfigItem, r *result.Record) error {
	switch call.Action {
	case "get", "dump":
		d.describe(call, it.Name, r)
		return nil
	case "set":
		*r = r.With("value", it.Value)
		return d.edit(ctx, call.Scope, git.ConfigEdit{Key: it.Name, Value: it.Value})
	}
	err := d.edit(ctx, call.Scope, git.ConfigEdit{Key: it.Name, Remove: true})
	if errors.Is(err, git.ErrNoSuchKey) {
		why := fmt.Sprintf("CommandError: 'git config --unset-all %s' failed with exitcode 5 under %s", it.Name, d.Path())
		*r = r.As(result.Error).With("message", result.Tuple{"configuration '%s' does not exist (%s)", it.Name, why})
		return nil
	}
	return err
}

// describe puts a variable's value into the record, and what it is for.
func (d *Dataset) describe(call ConfigCall, name string, r *result.Record) {
	value, ok := d.configIn(call.Scope, name)
	known, isKnown := KnownSetting(name)
	switch {
	case ok:
		*r = r.With("value", value)
	case isKnown && known.Default != "":
		*r = r.With("value", known.Default)
	default:
		*r = r.With("value", nil)
	}
	if call.Action == "dump" && isKnown {
		*r = r.With("purpose", known.Purpose)
		if known.Type != "" {
			*r = r.With("value_type", known.Type)
		}
	}
}

// configIn reads a variable in one scope.
func (d *Dataset) configIn(scope ConfigScope, name string) (string, bool) {
	switch scope {
	case ScopeBranch:
		return d.branch.Lookup(name)
	case ScopeLocal:
		return d.Repo.Config.InFiles(name)
	case ScopeGlobal:
		return d.Repo.Config.Outside(name)
	case ScopeOverride:
		return d.Repo.Config.Override(name)
	}
	if v, ok := d.Repo.Config.Lookup(name); ok {
		return v, true
	}
	return d.branch.Lookup(name)
}

// edit changes a variable in one scope.
func (d *Dataset) edit(ctx context.Context, scope ConfigScope, e git.ConfigEdit) error {
	switch scope {
	case ScopeBranch:
		return d.EditBranchConfig(e)
	case ScopeGlobal:
		return EditGlobalConfig(ctx, e, d.Env)
	case ScopeOverride:
		return errs.WithHint(errors.New("configuration: overrides end with the call"), "give -c %s=VALUE before the command, or choose another --scope", e.Key)
	}
	return d.Repo.EditConfig(e)
}

// EditBranchConfig changes .datalad/config in the work tree; it is not saved.
func (d *Dataset) EditBranchConfig(edits ...git.ConfigEdit) error {
	if err := fsx.Beneath(d.Path(), branchConfigFile); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	if err := git.EditConfigFile(d.Repo.Path(branchConfigFile), d.Repo.CommonDir, edits...); err != nil {
		return err
	}
	cfg, err := readBranchConfig(d.Repo)
	if err == nil {
		d.branch = cfg
	}
	return err
}

// GlobalConfig reads a variable of the user's own configuration, by git.
func GlobalConfig(ctx context.Context, name string, env Env) (value string, ok bool, err error) {
	cmd := exec.CommandContext(ctx, "git", "config", "--global", "-z", "--get", "--", name)
	cmd.Env, cmd.Dir = env.Vars, env.Cwd
	out, err := cmd.Output()
	if err != nil && cmd.ProcessState != nil && cmd.ProcessState.ExitCode() == 1 {
		return "", false, nil
	}
	return strings.TrimSuffix(string(out), "\x00"), err == nil, err
}

// EditGlobalConfig changes the user's own configuration, by git.
func EditGlobalConfig(ctx context.Context, e git.ConfigEdit, env Env) error {
	args := []string{"config", "--global", "--replace-all", e.Key, e.Value}
	if e.Remove {
		args = []string{"config", "--global", "--unset-all", e.Key}
	}
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Env, cmd.Dir = env.Vars, env.Cwd
	out, err := cmd.CombinedOutput()
	const missing = 5 // git-config(1)
	if err != nil && cmd.ProcessState != nil && cmd.ProcessState.ExitCode() == missing {
		return git.ErrNoSuchKey
	}
	if err != nil {
		return fmt.Errorf("git config --global: %s", firstLine(out))
	}
	return nil
}

// BranchConfigKeys lists the settings below a prefix that the dataset brings
// along.
func (d *Dataset) BranchConfigKeys(prefix string) []string { return d.branch.Keys(prefix) }
