package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/render"
	"github.com/stemma-data/stemma/internal/result"
)

type configurationOptions struct {
	dataset   string
	scope     choice
	recursion recursion
}

func newConfiguration(a *app) *cobra.Command {
	o := configurationOptions{scope: newChoice("", "global", "local", "branch", "override")}
	cmd := &cobra.Command{
		Use:   "configuration [OPTIONS] [dump|get|set|unset] [NAME[=VALUE] ...]",
		Short: "Show or change configuration",
		Long: "Shows or changes settings. What counts is, in this order: -c and the environment,\n" +
			"the repository's own configuration, the user's, the machine's, and what the\n" +
			"dataset brings along (.datalad/config, --scope branch). The last is not saved\n" +
			"by this command.",
		Example: "  stemma configuration get user.name\n  stemma configuration --scope branch set datalad.run.record-sidecar=yes\n" +
			"  stemma configuration -r set annex.thin=true",
		GroupID: groupData,
		RunE:    func(cmd *cobra.Command, args []string) error { return a.configuration(cmd.Context(), o, args) },
	}
	f := cmd.Flags()
	f.Var(&o.scope, "scope", "where to read or write: `SCOPE` global, local (default for writing), branch, or override")
	f.StringVarP(&o.dataset, "dataset", "d", "", datasetHelp)
	o.recursion.flags(f)
	return cmd
}

func (a *app) configuration(ctx context.Context, o configurationOptions, args []string) error {
	call := dataset.ConfigCall{Action: "dump", Scope: dataset.ConfigScope(o.scope.value)}
	if len(args) > 0 {
		call.Action, args = args[0], args[1:]
	}
	var err error
	if call.Items, err = configItems(call, args); err != nil {
		return err
	}
	if o.recursion.on {
		if call.Levels, err = o.recursion.subLevels(); err != nil {
			return err
		}
	}
	view := &configView{action: call.Action, recursive: o.recursion.on}
	if call.Scope == dataset.ScopeGlobal && !o.recursion.on {
		return a.globalConfiguration(ctx, call, view)
	}
	d, err := a.open(ctx, o.dataset, "configure")
	if err != nil {
		return err
	}
	sink, err := a.report(render.Continue, &render.Tailored{Line: view.line, Rewrite: view.rewrite})
	if err != nil {
		return err
	}
	return d.Configuration(ctx, call, sink)
}

// configItems reads names and values.
func configItems(call dataset.ConfigCall, args []string) ([]dataset.ConfigItem, error) {
	known := []string{"dump", "get", "set", "unset"}
	if !slices.Contains(known, call.Action) {
		err := fmt.Errorf("argument action: %w", oneOf(call.Action, known))
		return nil, &misuse{errs.WithExit(err, errs.ExitUsage)}
	}
	if call.Action == "dump" && call.Scope != dataset.ScopeAny {
		return nil, errs.WithHint(errors.New("Scope selection is not supported for dumping"), "use `configuration --scope %s get NAME`", call.Scope)
	}
	var items []dataset.ConfigItem
	for _, arg := range args {
		name, value, given := strings.Cut(arg, "=")
		switch {
		case call.Action == "set" && !given:
			return nil, fmt.Errorf("Values must be provided for all configuration settings. Missing: ['%s']", name)
		case call.Action == "set" && !git.ValidConfigKey(name):
			return nil, fmt.Errorf("Name must contain a section (i.e. \"section.name\"). Invalid: ['%s']", name)
		}
		items = append(items, dataset.ConfigItem{Name: name, Value: value})
	}
	return items, nil
}

// globalConfiguration reads or changes the user's settings, for which no
// dataset is needed.
func (a *app) globalConfiguration(ctx context.Context, call dataset.ConfigCall, view *configView) error {
	sink, err := a.report(render.Continue, &render.Tailored{Line: view.line, Rewrite: view.rewrite})
	if err != nil {
		return err
	}
	for _, it := range call.Items {
		r, err := a.globalItem(ctx, call.Action, it)
		if err == nil {
			err = sink.Emit(r)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *app) globalItem(ctx context.Context, action string, it dataset.ConfigItem) (result.Record, error) {
	r := result.New(action+"_configuration", result.OK, "", "").With("name", it.Name)
	if action == "get" {
		value, ok, err := dataset.GlobalConfig(ctx, it.Name, a.dsEnv())
		if !ok {
			return r.With("value", nil), err
		}
		return r.With("value", value), nil
	}
	edit := git.ConfigEdit{Key: it.Name, Value: it.Value, Remove: action == "unset"}
	if !edit.Remove {
		r = r.With("value", it.Value)
	}
	err := dataset.EditGlobalConfig(ctx, edit, a.dsEnv())
	if errors.Is(err, git.ErrNoSuchKey) {
		return r.As(result.Error).With("message", result.Tuple{"configuration '%s' does not exist", it.Name}), nil
	}
	return r, err
}

// configView is how configuration looks to people.
type configView struct {
	action    string
	recursive bool
}

func (v *configView) line(r result.Record) (string, bool) {
	if r.Status != result.OK || v.action != "get" && v.action != "dump" {
		return "", false
	}
	line := r.String("value")
	if v.action == "dump" {
		line = r.String("name") + "=" + line
	}
	if v.recursive {
		line = v.where(r) + line
	}
	if v.action == "dump" {
		line = notes(r) + line
	}
	if line == "" {
		line = render.EmptyLine
	}
	return line, true
}

// rewrite says in the message what was set.
func (v *configView) rewrite(r result.Record) result.Record {
	name := r.String("name")
	if _, has := r.Fields["message"]; has || name == "" {
		return r
	}
	if value, ok := r.Fields["value"].(string); ok {
		name += "=" + value
	}
	return r.Msg(name)
}

// where marks from which dataset a value is.
func (v *configView) where(r result.Record) string {
	rel, err := filepath.Rel(r.String("refds"), r.Path)
	if err != nil || rel == "." {
		return "<ds>:"
	}
	return "<ds>/" + filepath.ToSlash(rel) + ":"
}

// notes are the comment lines above a setting that is known.
func notes(r result.Record) string {
	text := ""
	for _, field := range []string{"purpose", "value_type"} {
		s := r.String(field)
		if s == "" {
			continue
		}
		if field == "value_type" {
			s = "Value constraint: " + s
		}
		text += "# " + s + "\n"
	}
	return text
}
