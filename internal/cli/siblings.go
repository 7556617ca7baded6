package cli

import (
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/render"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/siblings"
)

type siblingsOptions struct {
	dataset                 string
	settings                siblings.Settings
	wanted, required, group optionalText
	noAnnexInfo             bool
	recursion               recursion
}

func newSiblings(a *app) *cobra.Command {
	var o siblingsOptions
	cmd := &cobra.Command{
		Use:   "siblings [query|add|remove|configure|enable] [OPTIONS]",
		Short: "Show and change where else the dataset lies",
		Long: "Siblings are the other places of a dataset: git remotes, and special remotes\n" +
			"that have content only. Without an action they are listed.",
		Example: "  stemma siblings add -s backup --url ssh://host/data/project\n  stemma siblings configure -s backup --publish-depends store\n  stemma siblings enable -s store",
		GroupID: groupData,
		RunE:    func(cmd *cobra.Command, args []string) error { return a.siblings(cmd.Context(), o, args) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.dataset, "dataset", "d", "", datasetHelp)
	f.StringVarP(&o.settings.Name, "name", "s", "", "`NAME` of the sibling; \"here\" is the dataset itself")
	f.StringVar(&o.settings.URL, "url", "", "its address `URL`; %NAME stands for a subdataset's path")
	f.StringVar(&o.settings.PushURL, "pushurl", "", "`URL` to push to, if another one")
	f.StringVarP(&o.settings.Description, "description", "D", "", "describe its place, as `TEXT`")
	f.BoolVar(&o.settings.Fetch, "fetch", false, "fetch from it at once")
	f.StringVar(&o.settings.CommonSource, "as-common-datasrc", "", "clones get it as special remote `NAME` by themselves (http only)")
	publishing(f, &o.settings)
	o.annexPolicy(f)
	f.BoolVar(&o.settings.Inherit, "inherit", false, "take over the settings of the superdataset's sibling of that name")
	f.BoolVar(&o.noAnnexInfo, "no-annex-info", false, "leave out what the annex knows")
	o.recursion.flags(f)
	return cmd
}

// publishing are the options about what goes to a sibling.
func publishing(f *pflag.FlagSet, s *siblings.Settings) {
	f.StringArrayVar(&s.Depends, "publish-depends", nil, "publish to sibling `NAME` first; repeatable")
	f.StringArrayVar(&s.Push, "publish-by-default", nil, "`REFSPEC` that is pushed without being named; repeatable")
}

func (o *siblingsOptions) annexPolicy(f *pflag.FlagSet) {
	f.Var(&o.wanted, "annex-wanted", "git-annex `EXPRESSION` for the content that it wants")
	f.Var(&o.required, "annex-required", "git-annex `EXPRESSION` for the content that it must keep")
	f.Var(&o.group, "annex-group", "`GROUP` of repositories that it belongs to")
	f.StringVar(&o.settings.GroupWanted, "annex-groupwanted", "", "`EXPRESSION` of its group")
}

func (a *app) siblings(ctx context.Context, o siblingsOptions, args []string) error {
	action := "query"
	if len(args) > 0 {
		action, args = args[0], args[1:]
	}
	if len(args) > 0 {
		return unknownArguments(args)
	}
	work, err := o.work(action)
	if err != nil {
		return err
	}
	d, err := a.open(ctx, o.dataset, "configure sibling")
	if err != nil {
		return err
	}
	levels, err := o.recursion.levels()
	if err != nil {
		return err
	}
	sink, err := a.report(render.Continue, &render.Tailored{Line: siblingLine})
	if err != nil {
		return err
	}
	return d.Each(ctx, levels, func(sub *dataset.Dataset, rel string) error {
		s := o.settings
		s.URL, s.PushURL = placed(s.URL, d.Path(), rel), placed(s.PushURL, d.Path(), rel)
		return work(ctx, sub, s, reference(sink, d.Path()))
	})
}

// reference makes all records relative to the dataset that the user named.
func reference(sink result.Sink, top string) result.Sink {
	return result.SinkFunc(func(r result.Record) error { return sink.Emit(r.Ref(top)) })
}

// placed is the address for the subdataset at rel.
func placed(address, top, rel string) string {
	name := path.Join(path.Base(top), rel)
	switch {
	case address == "":
		return ""
	case strings.Contains(address, "%NAME"):
		return strings.ReplaceAll(address, "%NAME", strings.ReplaceAll(name, "/", "-"))
	case rel == ".":
		return address
	}
	return strings.TrimSuffix(address, "/") + "/" + rel
}

type siblingWork func(ctx context.Context, d *dataset.Dataset, s siblings.Settings, sink result.Sink) error

// work is what the action does in one dataset.
func (o *siblingsOptions) work(action string) (siblingWork, error) {
	o.settings.Wanted, o.settings.Required, o.settings.Group = o.wanted.value, o.required.value, o.group.value
	switch action {
	case "query":
		return func(ctx context.Context, d *dataset.Dataset, s siblings.Settings, sink result.Sink) error {
			return siblings.Query(ctx, d, s.Name, !o.noAnnexInfo, sink)
		}, nil
	case "add":
		return func(ctx context.Context, d *dataset.Dataset, s siblings.Settings, sink result.Sink) error {
			return siblings.Add(ctx, d, s, sink)
		}, nil
	case "configure":
		return func(ctx context.Context, d *dataset.Dataset, s siblings.Settings, sink result.Sink) error {
			return siblings.Configure(ctx, d, s, sink)
		}, nil
	case "remove":
		return func(ctx context.Context, d *dataset.Dataset, s siblings.Settings, sink result.Sink) error {
			return siblings.Remove(ctx, d, s.Name, sink)
		}, nil
	case "enable":
		return func(ctx context.Context, d *dataset.Dataset, s siblings.Settings, sink result.Sink) error {
			return siblings.EnableNamed(ctx, d, s.Name, sink)
		}, nil
	}
	err := fmt.Errorf("argument {query,add,remove,configure,enable}: invalid choice: '%s' (choose from 'query', 'add', 'remove', 'configure', 'enable')", action)
	return nil, &misuse{errs.WithExit(err, errs.ExitUsage)}
}

// siblingLine shows a sibling in one line; failures have the usual form.
func siblingLine(r result.Record) (string, bool) {
	name := r.String("name")
	if r.Status == result.NotNeeded && r.Action == "remove-sibling" {
		return fmt.Sprintf("Warning: No sibling \"%s\" in dataset %s", name, r.Path), true
	}
	if r.Status != result.OK || !strings.HasSuffix(r.Action, "-sibling") {
		return "", false
	}
	mark := "?"
	if _, ok := r.Fields["annex-uuid"]; ok {
		mark = "+"
	} else if v, ok := r.Fields["annex-ignore"]; ok && v != "" && v != false {
		mark = "-"
	}
	kind := "git"
	if t := r.String("annex-externaltype"); t != "" {
		kind = t
	}
	spec := kind
	if u, ok := r.Fields["url"]; ok {
		spec = fmt.Sprintf("%v (%s)", u, kind)
	}
	return fmt.Sprintf("%s: %s(%s) [%s]", render.RelPath(r), name, mark, spec), true
}
