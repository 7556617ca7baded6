package adjusted

import (
	"context"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/dataset"
)

// ToFileSystem enters the adjusted branch where files are unlocked if the file
// system has no symlinks. It does nothing without an annex, in a bare repository,
// where no branch is checked out, and where an adjusted one is. A branch without
// commits gets one, as git-annex's init does, if start is set.
func ToFileSystem(ctx context.Context, d *dataset.Dataset, start bool) error {
	if d.Annex == nil || d.Repo.Bare {
		return nil
	}
	if crippled, err := d.CrippledFileSystem(); err != nil || !crippled {
		return err
	}
	head, err := d.Repo.Head(ctx)
	if err != nil || head.Branch() == "" || head.OID == "" && !start || Is(head.Branch()) {
		return err
	}
	d.Env.Log.Info("Entering an adjusted branch where files are unlocked as this filesystem does not support locked files.")
	if head.OID == "" {
		if _, err := d.Repo.Output(ctx, "commit", "--quiet", "--allow-empty", "--no-verify", "-m", "commit before entering adjusted branch"); err != nil {
			return err
		}
	}
	unlock := annex.Adjustment{Unlock: true}
	name := branchOf(head.Branch(), unlock)
	if made, err := d.Repo.Ref(ctx, "refs/heads/"+name); err != nil {
		return err
	} else if made == "" {
		return Enter(ctx, d, unlock, false)
	}
	// A process that was killed may have got no further, or the user has left it.
	if _, err := d.Repo.Output(ctx, "checkout", "--quiet", name, "--"); err != nil {
		return err
	}
	keys, err := d.UnlockedKeys(ctx)
	if err != nil {
		return err
	}
	if err := d.Populate(ctx, keys); err != nil {
		return err
	}
	return Merge(ctx, d, Options{})
}

// branchOf is the name of a branch's adjusted form.
func branchOf(original string, a annex.Adjustment) string {
	return "adjusted/" + original + "(" + a.Name() + ")"
}
