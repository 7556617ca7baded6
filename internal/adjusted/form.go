// Package adjusted makes adjusted branches of git-annex and brings what other
// branches have into them: merges go into the branch that an adjusted one was
// made of, whose files have their committed form, and the adjusted branch is
// made of that anew. How commits get from an adjusted branch to the original
// one is the dataset's business; what is fetched and pushed is the callers'.
package adjusted

import (
	"context"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/pointer"
)

// form is what a committed annexed file looks like on an adjusted branch; mode
// is 0 where it stays as it is, and keep false where it is hidden.
func form(a annex.Adjustment, e gitindex.Entry, k annexkey.Key, here bool) (mode gitobj.Mode, text []byte, keep bool) {
	if a.HideMissing && !here {
		return 0, nil, false
	}
	link := e.Mode == gitobj.ModeSymlink
	switch {
	case link && (a.Unlock || a.UnlockPresent && here):
		return gitobj.ModeFile, pointer.Format(k), true
	case !link && (a.Lock || a.UnlockPresent && !here), link && a.Fix:
		return gitobj.ModeSymlink, []byte(pointer.LinkTarget(k, e.Path)), true
	}
	return 0, nil, true
}

// version is a commit of git-annex that has the adjusted files of its parent.
type version struct {
	commit, tree gitobj.OID
	// forward has the same files, on top of the adjusted branch as it is: what
	// git can go forward to. "" where nothing changes for the work tree.
	forward  gitobj.OID
	unlocked []string // files that are to have content
}

// adjust makes the adjusted form of a commit. from is the tip of the branch that
// is to go there, "" where it is made.
func adjust(ctx context.Context, d *dataset.Dataset, a annex.Adjustment, tip, from gitobj.OID) (v version, err error) {
	who, err := d.Repo.Identities(ctx, d.Now())
	if err != nil {
		return v, err
	}
	w := d.Repo.WriteObjects(ctx)
	defer w.Abort()
	var changes []git.TreeChange
	err = d.TreePaths(ctx, string(tip), func(e gitindex.Entry) error {
		k, ok, err := d.BlobKey(ctx, e.Mode, e.OID)
		if err != nil || !ok {
			return err
		}
		mode, text, keep := form(a, e, k, d.Annex.Has(k))
		if mode == gitobj.ModeFile || mode == 0 && keep && e.Mode != gitobj.ModeSymlink {
			v.unlocked = append(v.unlocked, e.Path)
		}
		if !keep {
			changes = append(changes, git.TreeChange{Path: e.Path, Remove: true})
			return nil
		}
		if mode == 0 {
			return nil
		}
		id, err := w.WriteBlob(text)
		changes = append(changes, git.TreeChange{Path: e.Path, Mode: mode, OID: id})
		return err
	})
	if err != nil {
		return v, err
	}
	spec := git.CommitSpec{Parents: []gitobj.OID{tip}, Who: who, Message: annex.AdjustedMessage, Changes: changes}
	if v.commit, v.tree, err = w.Commit(spec); err != nil {
		return v, err
	}
	if from != "" {
		if v.forward, err = ahead(w, who, from, v); err != nil {
			return v, err
		}
	}
	return v, w.Close()
}

// ahead makes the commit to go forward to, unless the files are the same.
func ahead(w *git.ObjectWriter, who git.Identities, from gitobj.OID, v version) (gitobj.OID, error) {
	spec := git.CommitSpec{Parents: []gitobj.OID{from}, Who: who, TreeOf: v.commit, Message: annex.AdjustedMessage}
	made, _, err := w.Commit(spec)
	if err != nil {
		return "", err
	}
	e, _, err := w.Entry(from, "")
	if err != nil || e.OID == v.tree {
		return "", err
	}
	return made, nil
}
