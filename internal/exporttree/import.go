package exporttree

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/stemma-data/stemma/internal/annexcmd"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/remote"
)

// ImportOptions says what is imported from where.
type ImportOptions struct {
	Branch    string // BRANCH or BRANCH:FOLDER: what the tree becomes
	From      string // the remote
	NoContent bool   // contents are hashed, and not kept
	NoIgnore  bool   // also files that .gitignore names
}

// ErrNeedsContent says that nothing can be imported from a remote without its
// content.
var ErrNeedsContent = errors.New("This remote does not support importing without downloading content.")

// importing is an import on its way.
type importing struct {
	*run
	opt    ImportOptions
	store  remote.Importer
	folder string // of the branch; "" for all of it
	old    []string
	was    map[string]file // what the remote had by the log
	ids    *identifiers
	fresh  []annexkey.Key // contents that are new here
	failed int
}

// Import brings changes that others made on the remote here: the branch
// refs/remotes/NAME/BRANCH gets a commit with the tree that is there. Contents
// that are not known are fetched. Nothing is merged.
func Import(ctx context.Context, s *annexcmd.Session, opt ImportOptions) error {
	r, err := open(ctx, s, opt.From, "imports")
	if err != nil {
		return err
	}
	defer r.close()
	store, ok := r.store.(remote.Importer)
	if !ok {
		return errs.WithHint(errors.New("That remote does not support imports."), "it was set up without importtree=yes")
	}
	if _, distant := store.(remote.Distant); distant && opt.NoContent {
		return ErrNeedsContent
	}
	x := &importing{run: r, opt: opt, store: store, was: map[string]file{}}
	branch, folder, _ := strings.Cut(strings.TrimPrefix(opt.Branch, "refs/heads/"), ":")
	x.folder = strings.Trim(folder, "/")
	if err := checkBranch(branch, x.folder); err != nil {
		return err
	}
	if err := x.readOld(ctx); err != nil {
		return err
	}
	steps, err := x.take(ctx)
	if err != nil || x.failed > 0 {
		return errors.Join(err, x.incomplete())
	}
	return x.record(ctx, branch, steps)
}

// checkBranch refuses what cannot be a branch, or a folder of one.
func checkBranch(branch, folder string) error {
	bad := branch == "" || strings.HasPrefix(branch, "-") || strings.HasPrefix(branch, "/") || strings.HasSuffix(branch, "/") || strings.HasSuffix(branch, ".lock") ||
		strings.Contains(branch, "..") || strings.Contains(branch, "//") || strings.Contains(branch, "@{") || strings.ContainsAny(branch, " ~^:?*[\\\x7f") ||
		strings.ContainsFunc(branch, func(c rune) bool { return c < ' ' })
	if bad {
		return fmt.Errorf("%q cannot be the name of a branch", branch)
	}
	if folder != "" {
		return remote.CheckTreePath(folder)
	}
	return nil
}

func (x *importing) incomplete() error {
	if x.failed == 0 {
		return nil
	}
	x.s.D.Env.Log.Warn(fmt.Sprintf("Failed to import some files from %s. Re-run command to resume import.", x.name))
	return nil
}

func (x *importing) report(o annexcmd.Outcome) error {
	if o.Failed {
		x.failed++
	}
	return x.s.Report(o)
}

// step is an outcome without a file.
func (x *importing) step(verb, text string) annexcmd.Outcome {
	item := annexcmd.Item{Command: verb, NoFile: true, Input: []string{}}
	return annexcmd.Outcome{Item: item, Text: text + " ok\n"}
}

// readOld lists what the remote had by the log.
func (x *importing) readOld(ctx context.Context) error {
	data, err := x.s.Log(ctx, annexlog.ExportFile)
	if err != nil {
		return err
	}
	x.old = annexlog.ParseExports(data).Trees(x.uuid, x.empty())
	x.ids = newIdentifiers(x.run)
	for _, tree := range x.old {
		err := x.s.D.TreePaths(ctx, tree, func(e gitindex.Entry) error {
			f, ok, err := x.keys.of(ctx, e.Path, git.TreeEntry{Mode: e.Mode, OID: e.OID})
			if err != nil || !ok {
				return err
			}
			x.was[f.path] = f
			return x.ids.add(ctx, f)
		})
		if err != nil {
			return fmt.Errorf("import from %s: the tree that was there before: %w", x.name, err)
		}
	}
	return nil
}

// take lists the remote and finds, or fetches, what each file holds, and held.
func (x *importing) take(ctx context.Context) ([]step, error) {
	history, err := x.list(ctx)
	if err != nil {
		return nil, err
	}
	if err := x.report(x.step("list", "list "+x.name)); err != nil {
		return nil, err
	}
	if history, err = x.notIgnored(ctx, x.tidy(history)); err != nil {
		return nil, err
	}
	dir, err := x.scratch()
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	found, tried := map[remote.Importable]file{}, map[remote.Importable]bool{}
	now := present(history)
	for n, i := range append(now, past(history)...) {
		if tried[i] {
			continue
		}
		tried[i] = true
		f, ok, err := x.one(ctx, dir, i, n >= len(now))
		if err != nil {
			return nil, err
		}
		if ok {
			found[i] = f
		}
	}
	return steps(history, found), x.keepFetched(ctx)
}

// one is the file for one that the remote has, or had; ok is false for one that
// is left out.
func (x *importing) one(ctx context.Context, dir string, i remote.Importable, old bool) (f file, ok bool, err error) {
	item := annexcmd.Item{Command: "import " + x.name, NoFile: true, Input: []string{}}
	if wants, configured, err := x.s.Wants(ctx, sized(i), x.uuid, false); err != nil || configured && !wants {
		return f, false, err
	}
	known, ok, err := x.ids.find(ctx, i)
	if err != nil {
		return f, false, err
	}
	if ok {
		f, err = x.named(known, i.Path)
		return f, err == nil, err
	}
	f, err = x.fetch(ctx, dir, i)
	switch {
	case ctx.Err() != nil:
		return f, false, ctx.Err()
	case err != nil:
		o := annexcmd.Outcome{Item: item, Failed: true, Errors: []string{i.Path + ": " + err.Error()}}
		return f, false, x.report(o)
	}
	o := annexcmd.Outcome{Item: item, Text: fmt.Sprintf("import %s %s ok\n", x.name, i.Path)}
	if old {
		o.Text = fmt.Sprintf("import %s %s (old version) ok\n", x.name, i.Path)
		o.Notes = []annexcmd.Note{{Text: "old version"}}
	}
	return f, true, x.report(o)
}

// sized is a file of which nothing but name and size is known yet.
func sized(i remote.Importable) annexcmd.File {
	k := annexkey.New("URL", i.Path)
	k.Size = i.Size
	return annexcmd.File{Rel: i.Path, Key: k}
}
