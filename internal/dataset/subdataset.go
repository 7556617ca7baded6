package dataset

import (
	"context"
	"errors"
	"fmt"

	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/result"
)

// prepareSubdataset records the commit that a nested repository is at. A new
// one is not registered yet: that is said, and nothing is lost.
func (d *Dataset) prepareSubdataset(ctx context.Context, it *item) error {
	sub, err := git.Open(ctx, d.Repo.Path(it.Path), git.Options{Env: d.Env.Vars})
	if err != nil {
		return err
	}
	if sub.WorkTree == d.Repo.WorkTree {
		it.skip = true // a plain folder, or a subdataset that is not here
		return nil
	}
	head, err := sub.Head(ctx)
	if err != nil {
		return err
	}
	if head.OID == "" {
		return fmt.Errorf("cannot add subdataset %s with no commits", sub.WorkTree)
	}
	if it.Mode != gitobj.ModeGitlink {
		return errors.New("registering a new subdataset is not supported yet; use `git submodule add`")
	}
	it.file.Mode, it.file.OID = gitobj.ModeGitlink, head.OID
	it.record = d.record("add", it.Path, result.Dataset)
	return nil
}
