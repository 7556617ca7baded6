package cli

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"slices"
	"sort"
	"strings"

	"github.com/spf13/cobra"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/render"
	"github.com/stemma-data/stemma/internal/result"
)

type wtfOptions struct {
	dataset   string
	sensitive choice
	sections  []string
	flavor    choice
	decor     choice
	clipboard bool
}

func newWTF(a *app) *cobra.Command {
	o := wtfOptions{sensitive: newChoice("", "some", "all"), flavor: newChoice("full", "full", "short"), decor: newChoice("", "html_details")}
	cmd := &cobra.Command{
		Use:   "wtf [OPTIONS]",
		Short: "Tell about this program, the dataset and the machine, for a report",
		Long: "Collects what helps to understand a problem. Settings that may hold secrets are\n" +
			"left out, unless --sensitive asks for them. Sections: " + strings.Join(wtfSections(), ", ") + ".",
		Example: "  stemma wtf\n  stemma -f '{infos[dataset][id]}' wtf -S dataset",
		GroupID: groupData,
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.wtf(cmd.Context(), o) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.dataset, "dataset", "d", "", datasetHelp)
	f.VarP(&o.sensitive, "sensitive", "s", "show `some` settings that may hold secrets, or all")
	f.StringArrayVarP(&o.sections, "section", "S", nil, "only `SECTION`, * for all; repeatable")
	f.Var(&o.flavor, "flavor", "`full`, or short for a few sections only")
	f.VarP(&o.decor, "decor", "D", "wrap the report: `html_details` for a web page")
	f.BoolVarP(&o.clipboard, "clipboard", "c", false, "accepted and ignored")
	f.Lookup("clipboard").Hidden = true
	return cmd
}

// section makes one part of the report; d is nil outside a dataset.
type section func(a *app, ctx context.Context, d *dataset.Dataset, o wtfOptions) any

var wtfParts = map[string]section{
	"configuration": (*app).wtfConfiguration, "datalad": (*app).wtfProgram, "dataset": (*app).wtfDataset,
	"dependencies": (*app).wtfDependencies, "environment": (*app).wtfEnvironment, "git-annex": (*app).wtfAnnex,
	"location": (*app).wtfLocation, "system": (*app).wtfSystem,
}

func wtfSections() []string {
	var names []string
	for name := range wtfParts {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

func (a *app) wtf(ctx context.Context, o wtfOptions) error {
	d, err := a.open(ctx, o.dataset, "report")
	var none *dataset.NoDatasetError
	if err != nil && (o.dataset != "" || !errors.As(err, &none)) {
		return err
	}
	names := o.sections
	switch {
	case slices.Contains(names, "*"), len(names) == 0 && o.flavor.value == "full":
		names = wtfSections()
	case len(names) == 0:
		names = []string{"datalad", "dependencies", "environment", "git-annex", "location", "system"}
	}
	infos := map[string]any{}
	for _, name := range names {
		part, ok := wtfParts[name]
		if !ok {
			err := fmt.Errorf("argument -S/--section: %w", oneOf(name, append(wtfSections(), "*")))
			return &misuse{errs.WithExit(err, errs.ExitUsage)}
		}
		if v := part(a, ctx, d, o); v != nil {
			infos[name] = v
		}
	}
	r := result.New("wtf", result.OK, a.cwd, "directory").With("infos", infos).With("flavor", o.flavor.value).With("decor", nil)
	if d != nil {
		r.Path, r.Type = d.Path(), result.Dataset
	}
	if o.decor.value != "" {
		r = r.With("decor", o.decor.value)
	}
	sink, err := a.report(render.Continue, &render.Tailored{Line: func(r result.Record) (string, bool) {
		return wtfText(infos, o.decor.value), true
	}})
	if err != nil {
		return err
	}
	return sink.Emit(r)
}

// wtfText is the report in Markdown.
func wtfText(infos map[string]any, decor string) string {
	var b strings.Builder
	if decor != "" {
		b.WriteString("<details><summary>DataLad WTF</summary>\n\n")
	}
	b.WriteString("# WTF\n")
	for _, name := range wtfSections() {
		if text, ok := infos[name].(string); ok {
			fmt.Fprintf(&b, "## %s %s\n", name, text)
		} else if v, ok := infos[name]; ok {
			fmt.Fprintf(&b, "## %s \n", name)
			writeItems(&b, v, "  ")
		}
	}
	if decor != "" {
		b.WriteString("\n</details>\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func writeItems(b *strings.Builder, v any, indent string) {
	switch v := v.(type) {
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		for _, k := range keys {
			switch inner := v[k].(type) {
			case map[string]any, []string:
				fmt.Fprintf(b, "%s- %s: \n", indent, k)
				writeItems(b, inner, indent+"  ")
			default:
				fmt.Fprintf(b, "%s- %s: %v\n", indent, k, inner)
			}
		}
	case []string:
		for _, s := range v {
			fmt.Fprintf(b, "%s- %s\n", indent, s)
		}
	}
}

const hidden = "<SENSITIVE, report disabled by configuration>"

// wtfConfiguration lists settings. Names and values that may be secret are
// masked, addresses with a password in them, too.
func (a *app) wtfConfiguration(_ context.Context, d *dataset.Dataset, o wtfOptions) any {
	if d == nil {
		return nil
	}
	if o.sensitive.value == "" {
		return hidden
	}
	all := map[string]any{}
	for _, key := range d.ConfigKeys("") {
		value := d.Config(key)
		lower := strings.ToLower(key)
		secret := strings.HasPrefix(lower, "user.") || strings.Contains(value, "@")
		for _, word := range []string{"password", "passwd", "secret", "token", "credential", "key", "auth", "header"} {
			secret = secret || strings.Contains(lower, word)
		}
		if secret && o.sensitive.value != "all" {
			value = hidden
		}
		all[key] = value
	}
	return all
}

func (a *app) wtfProgram(context.Context, *dataset.Dataset, wtfOptions) any {
	return map[string]any{"version": compatibleWith, "full_version": "stemma " + a.version}
}

func (a *app) wtfDataset(ctx context.Context, d *dataset.Dataset, _ wtfOptions) any {
	if d == nil {
		return nil
	}
	info := map[string]any{"path": d.Path(), "id": d.ID, "repo": "GitRepo"}
	if d.Annex != nil {
		info["repo"] = "AnnexRepo"
	}
	out, err := d.Repo.Output(ctx, "for-each-ref", "--format=%(refname:short)@%(objectname:short=7)", "refs/heads")
	if text := strings.TrimSpace(string(out)); err == nil && text != "" {
		info["branches"] = strings.Split(text, "\n")
	}
	return info
}

// version is the first line that a program says about itself.
func (a *app) versionOf(ctx context.Context, program string, args ...string) string {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = a.env
	out, err := cmd.Output()
	if err != nil {
		return "not installed"
	}
	first, _, _ := strings.Cut(string(out), "\n")
	return strings.TrimSpace(first)
}

func (a *app) wtfDependencies(ctx context.Context, _ *dataset.Dataset, _ wtfOptions) any {
	return map[string]any{
		"cmd:git":    strings.TrimPrefix(a.versionOf(ctx, "git", "version"), "git version "),
		"cmd:annex":  strings.TrimPrefix(a.versionOf(ctx, "git-annex", "version"), "git-annex version: "),
		"cmd:sbatch": a.versionOf(ctx, "sbatch", "--version"),
		"cmd:ssh":    presence("ssh"), "cmd:rsync": presence("rsync"), "go": runtime.Version(),
	}
}

func presence(program string) string {
	if path, err := exec.LookPath(program); err == nil {
		return path
	}
	return "not installed"
}

func (a *app) wtfEnvironment(context.Context, *dataset.Dataset, wtfOptions) any {
	info := map[string]any{}
	for _, kv := range a.env {
		name, value, _ := strings.Cut(kv, "=")
		shown := name == "PATH" || name == "LANG" || name == "LANGUAGE" || strings.HasPrefix(name, "LC_") || name == "TZ"
		if shown || strings.HasPrefix(name, "GIT_") && !strings.HasPrefix(name, "GIT_CONFIG_") {
			info[name] = value
		}
	}
	return info
}

func (a *app) wtfAnnex(ctx context.Context, _ *dataset.Dataset, _ wtfOptions) any {
	return map[string]any{"version": strings.TrimPrefix(a.versionOf(ctx, "git-annex", "version"), "git-annex version: "),
		"used": "only for kinds of remotes that this program does not know"}
}

func (a *app) wtfLocation(_ context.Context, d *dataset.Dataset, _ wtfOptions) any {
	if d == nil {
		return map[string]any{"path": a.cwd, "type": "directory"}
	}
	return map[string]any{"path": d.Path(), "type": "dataset"}
}

func (a *app) wtfSystem(context.Context, *dataset.Dataset, wtfOptions) any {
	return map[string]any{"type": runtime.GOOS, "architecture": runtime.GOARCH, "processors": runtime.NumCPU()}
}
