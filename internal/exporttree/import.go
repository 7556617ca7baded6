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
	"github.com/stemma-data/stemma/internal/gitobj"
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
	found := map[remote.Importable]file{}
	now := present(history)
	for n, i := range append(now, past(history)...) {
		if _, done := found[i]; done {
			continue
		}
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

// record makes the commits, and writes down what the remote has.
func (x *importing) record(ctx context.Context, branch string, steps []step) error {
	files := result(steps)
	tree, err := treeOf(ctx, x.s, files)
	if err != nil {
		return err
	}
	if err := x.recordTree(ctx, string(tree), files); err != nil {
		return err
	}
	ref := "refs/remotes/" + x.name + "/" + branch
	around, err := x.around(ctx, branch)
	if err != nil {
		return err
	}
	steps[len(steps)-1].set = append(steps[len(steps)-1].set, x.leftOut(files)...)
	if err := x.track(ctx, ref, around, steps); err != nil {
		return err
	}
	return x.report(x.step("update", "update "+ref))
}

// recordTree writes the export log, as if we had exported what is there, and the
// location log of what no longer is, unless old versions are kept.
func (x *importing) recordTree(ctx context.Context, tree string, files []file) error {
	versioned, err := x.yes(ctx, "versioning")
	if err != nil {
		return err
	}
	there := map[annexkey.Key]bool{}
	for _, f := range files {
		there[f.key] = true
	}
	for _, f := range x.was {
		if f.annexed && !there[f.key] && !versioned {
			if err := x.s.SetLocation(ctx, f.key, x.uuid, annexlog.StatusAbsent); err != nil {
				return err
			}
		}
	}
	if len(x.old) == 1 && x.old[0] == tree {
		return nil
	}
	if err := x.forgetDatabase(); err != nil {
		return err
	}
	if err := x.s.D.Annex.KeepTree(ctx, gitobj.OID(tree), x.s.D.Now()); err != nil {
		return err
	}
	now := x.s.Now()
	err = x.s.Change(ctx, x.logEdit(func(e annexlog.Exports) ([]byte, error) {
		return e.Complete(x.s.D.Annex.UUID, x.uuid, tree, x.old, now)
	}))
	return errors.Join(err, x.setComplete(tree))
}

// around is what the branch has outside of the folder that is imported.
func (x *importing) around(ctx context.Context, branch string) ([]file, error) {
	if x.folder == "" {
		return nil, nil
	}
	tip, err := x.s.D.Repo.Ref(ctx, "refs/heads/"+branch)
	if err != nil {
		return nil, err
	}
	if tip == "" {
		return nil, errs.WithHint(fmt.Errorf("unable to find base tree for branch %s", branch), "name a branch that exists")
	}
	var files []file
	err = x.s.D.TreePaths(ctx, string(tip), func(e gitindex.Entry) error {
		if e.Path != x.folder && !strings.HasPrefix(e.Path, x.folder+"/") {
			files = append(files, file{path: e.Path, entry: git.TreeEntry{Mode: e.Mode, OID: e.OID}})
		}
		return nil
	})
	return files, err
}

// leftOut reads what the last export left out, unless something is there now.
func (x *importing) leftOut(files []file) []file {
	have := map[string]bool{}
	for _, f := range files {
		have[f.path] = true
	}
	text, _ := os.ReadFile(x.excluded())
	var list []file
	for line := range strings.Lines(string(text)) {
		if f, ok := parseLeftOut(strings.TrimSuffix(line, "\n")); ok && !have[f.path] && x.s.D.Repo.Has(context.Background(), f.entry.OID) {
			have[f.path] = true
			list = append(list, f)
		}
	}
	return list
}

// parseLeftOut reads a line that leftOut has written: "MODE TYPE ID\tPATH".
func parseLeftOut(line string) (file, bool) {
	head, name, ok := strings.Cut(line, "\t")
	w := strings.Fields(head)
	if !ok || len(w) != 3 || w[1] != "blob" || remote.CheckTreePath(name) != nil {
		return file{}, false
	}
	mode, err := gitobj.ParseMode(w[0])
	if err != nil {
		return file{}, false
	}
	id, err := gitobj.ParseOID(w[2])
	return file{path: name, entry: git.TreeEntry{Mode: mode, OID: id}}, err == nil
}
