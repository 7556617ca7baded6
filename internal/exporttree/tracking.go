package exporttree

import (
	"context"
	"errors"
	"strings"

	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// track moves the branch that says what the remote has, refs/remotes/NAME/BRANCH.
func (x *export) track(ctx context.Context, name string) error {
	branch, _, _ := strings.Cut(strings.TrimPrefix(name, "refs/heads/"), ":")
	if branch == "" || strings.Contains(branch, "/") {
		return nil
	}
	tip, err := x.s.D.Repo.Ref(ctx, "refs/heads/"+branch)
	if err != nil || tip == "" {
		return err
	}
	ref := "refs/remotes/" + x.name + "/" + branch
	old, err := x.s.D.Repo.Ref(ctx, ref)
	if err != nil {
		return err
	}
	next := tip
	if old != "" {
		if next, err = x.joinImports(ctx, old, tip); err != nil {
			return err
		}
	}
	if next == old {
		return nil
	}
	return x.s.D.Repo.MoveRefs(ctx, []git.RefMove{{Name: ref, Old: old, New: next}}, "stemma annex export")
}

// trackingMessage is that of commits that join what was exported with what was
// imported.
const trackingMessage = "remote tracking branch"

// joinImports keeps the history of imports that the tracking branch has as its
// second parent.
func (x *run) joinImports(ctx context.Context, old, tip gitobj.OID) (gitobj.OID, error) {
	commits, err := x.s.D.Repo.Log(ctx, string(old), "--max-count=1")
	if err != nil || len(commits) == 0 || len(commits[0].Parents) != 2 {
		return tip, err
	}
	if commits[0].Parents[0] == tip {
		return old, nil
	}
	return x.commit(ctx, trackingMessage, tip, tip, commits[0].Parents[1])
}

// commit makes a commit with the tree of another one.
func (x *run) commit(ctx context.Context, message string, treeOf gitobj.OID, parents ...gitobj.OID) (gitobj.OID, error) {
	who, err := x.s.D.Repo.Identities(ctx, x.s.D.Now())
	if err != nil {
		return "", err
	}
	im, err := x.s.D.Repo.StartImport(ctx)
	if err != nil {
		return "", err
	}
	defer im.Abort()
	id, _, err := im.Commit(git.CommitSpec{Parents: parents, Who: who, TreeOf: treeOf, Message: message})
	return id, errors.Join(err, im.Close())
}

// track adds a commit with the tree to the branch of the remote: the imports are
// a history of their own, which each is joined with what the branch had.
func (x *importing) track(ctx context.Context, ref string, files []file) error {
	old, err := x.s.D.Repo.Ref(ctx, ref)
	if err != nil {
		return err
	}
	who, err := x.s.D.Repo.Identities(ctx, x.s.D.Now())
	if err != nil {
		return err
	}
	var before []gitobj.OID // of the history of imports
	if old != "" {
		commits, err := x.s.D.Repo.Log(ctx, string(old), "--max-count=1")
		if err != nil {
			return err
		}
		if len(commits) == 1 && len(commits[0].Parents) == 2 {
			before = commits[0].Parents[1:]
		}
	}
	im, err := x.s.D.Repo.StartImport(ctx)
	if err != nil {
		return err
	}
	defer im.Abort()
	var spec git.CommitSpec
	spec.Who, spec.Message, spec.Parents = who, "import from "+x.name, before
	next, tree, err := x.commitFiles(ctx, im, spec, files)
	if err != nil {
		return err
	}
	if old != "" {
		if same, err := x.sameTree(ctx, old, tree); err != nil || same {
			return err
		}
		if next, _, err = im.Commit(git.CommitSpec{Who: who, Message: trackingMessage, Parents: []gitobj.OID{old, next}, TreeOf: next}); err != nil {
			return err
		}
	}
	if err := im.Close(); err != nil {
		return err
	}
	return x.s.D.Repo.MoveRefs(ctx, []git.RefMove{{Name: ref, Old: old, New: next}}, "stemma annex import")
}

// commitFiles makes a commit of nothing but the files.
func (x *importing) commitFiles(ctx context.Context, im *git.Import, spec git.CommitSpec, files []file) (commit, tree gitobj.OID, err error) {
	parents := spec.Parents
	spec.Parents = nil // a parent would give its tree, too
	if err := im.Begin(spec); err != nil {
		return "", "", err
	}
	for _, f := range files {
		im.Put(f.path, f.entry.Mode, f.entry.OID)
	}
	if commit, tree, err = im.End(); err != nil || len(parents) == 0 {
		return commit, tree, err
	}
	spec.Parents, spec.TreeOf = parents, commit
	return im.Commit(spec)
}

// sameTree compares a commit's tree with another one.
func (x *importing) sameTree(ctx context.Context, commit, tree gitobj.OID) (bool, error) {
	id, err := resolve(ctx, x.s, string(commit))
	return id == tree, err
}
