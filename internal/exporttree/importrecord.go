package exporttree

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/remote"
)

// record makes the commits, and writes down what the remote has.
func (x *importing) record(ctx context.Context, branch string, steps []step) error {
	files := result(steps)
	tree, err := treeOf(ctx, x.s, files)
	if err != nil {
		return err
	}
	if err := errors.Join(x.locations(ctx, files), x.recordTree(ctx, string(tree))); err != nil {
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

// locations records what came there, by whatever way it is known here, and what
// no longer is there, unless old versions are kept.
func (x *importing) locations(ctx context.Context, files []file) error {
	versioned, err := x.yes(ctx, "versioning")
	if err != nil {
		return err
	}
	was, there := map[annexkey.Key]bool{}, map[annexkey.Key]bool{}
	for _, f := range x.was {
		was[f.key] = true
	}
	for _, f := range files {
		if !f.annexed || was[f.key] || there[f.key] {
			there[f.key] = true
			continue
		}
		there[f.key] = true
		known, err := x.recorded(ctx, f)
		if err == nil && !known {
			err = x.s.SetLocation(ctx, f.key, x.uuid, annexlog.StatusPresent)
		}
		if err != nil {
			return err
		}
	}
	for _, f := range x.was {
		if f.annexed && !there[f.key] && !versioned {
			if err := x.s.SetLocation(ctx, f.key, x.uuid, annexlog.StatusAbsent); err != nil {
				return err
			}
		}
	}
	return nil
}

// recordTree writes the export log, as if we had exported what is there.
func (x *importing) recordTree(ctx context.Context, tree string) error {
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
	err := x.s.Change(ctx, x.logEdit(func(e annexlog.Exports) ([]byte, error) {
		return e.Complete(x.s.D.Annex.UUID, x.uuid, tree, x.old, now)
	}))
	return errors.Join(err, x.setComplete(tree))
}

// around is what lies beside the folder that is imported: in the branch of
// earlier imports or, for the first one, in the branch that is imported to.
func (x *importing) around(ctx context.Context, branch string) ([]file, error) {
	if x.folder == "" {
		return nil, nil
	}
	tip, err := x.s.D.Repo.Ref(ctx, "refs/remotes/"+x.name+"/"+branch)
	if err == nil && tip == "" {
		tip, err = x.s.D.Repo.Ref(ctx, "refs/heads/"+branch)
	}
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
