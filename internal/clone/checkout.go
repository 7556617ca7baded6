package clone

import (
	"context"
	"fmt"

	"github.com/stemma-data/stemma/internal/adjusted"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// populate fills the work tree with the files of HEAD.
func (p *post) populate(ctx context.Context) error {
	if p.resumed {
		return p.repo.Repopulate(ctx)
	}
	head, err := p.repo.Head(ctx)
	if err != nil {
		return err
	}
	return p.repo.Populate(ctx, head.OID, func(attributes func(dir string) ([]byte, error)) func(string) (bool, error) {
		return p.d.Converter(attributes)
	})
}

// checkout brings the commit that the superdataset records. Where the branch
// contains it, the branch goes back to it, so that HEAD stays on the branch.
func (p *post) checkout(ctx context.Context) error {
	if p.commit == "" {
		return nil
	}
	head, err := p.repo.Head(ctx)
	if err != nil || head.OID == p.commit {
		return err
	}
	if err := p.obtain(ctx); err != nil {
		return err
	}
	if _, err := p.repo.Output(ctx, "checkout", "-q", string(p.commit), "--"); err != nil {
		return err
	}
	if head.Ref == "" || head.OID == "" {
		return nil
	}
	contained, err := p.repo.IsAncestor(ctx, p.commit, head.OID)
	if err != nil {
		return err
	}
	if !contained {
		p.env.Log.Warn(fmt.Sprintf("GitRepo(%s) has a detached HEAD, because the target commit %s has no unique ancestor with branch '%s'", p.dest, short(p.commit), head.Branch()))
		return nil
	}
	p.env.Log.Info(fmt.Sprintf("Reset branch '%s' to %s (from %s) to avoid a detached HEAD", head.Branch(), short(p.commit), short(head.OID)))
	moves := []git.RefMove{{Name: head.Ref, Old: head.OID, New: p.commit}}
	if err := p.repo.MoveRefs(ctx, moves, "stemma: commit of the superdataset"); err != nil {
		return err
	}
	_, err = p.repo.Output(ctx, "symbolic-ref", "-m", "stemma: commit of the superdataset", "HEAD", head.Ref)
	return err
}

// adjust unlocks the files where the file system has no symlinks.
func (p *post) adjust(ctx context.Context) error { return adjusted.ToFileSystem(ctx, p.d, false) }

// obtain fetches the commit by its id where no branch brought it.
func (p *post) obtain(ctx context.Context) error {
	if p.repo.Has(ctx, p.commit) {
		return nil
	}
	_, err := p.repo.Output(ctx, "fetch", "-q", "--", p.remote, string(p.commit))
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	if !p.repo.Has(ctx, p.commit) {
		return fmt.Errorf("target commit %s does not exist in the clone, and a fetch that commit from remote failed", short(p.commit))
	}
	return nil
}

func short(id gitobj.OID) string { return string(id[:8]) }
