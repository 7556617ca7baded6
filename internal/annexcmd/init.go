package annexcmd

import (
	"context"

	"github.com/stemma-data/stemma/internal/adjusted"
	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/dataset"
)

// Init makes an annex of the repository, or describes the one it is. A new one
// gets the version, "8" to "10", or the newest if that is "".
func Init(ctx context.Context, d *dataset.Dataset, description, version string) error {
	if err := d.InitAnnexVersion(ctx, description, version); err != nil {
		return err
	}
	return adjustToFileSystem(ctx, d)
}

// adjustToFileSystem enters the adjusted branch where files are unlocked if the
// file system has no symlinks.
func adjustToFileSystem(ctx context.Context, d *dataset.Dataset) error {
	if d.Annex == nil || d.Repo.Bare {
		return nil
	}
	if crippled, err := d.CrippledFileSystem(); err != nil || !crippled {
		return err
	}
	head, err := d.Repo.Head(ctx)
	if err != nil || head.OID == "" || head.Branch() == "" {
		return err
	}
	if _, _, already := annex.ParseAdjusted(head.Branch()); already {
		return nil
	}
	d.Env.Log.Info("entering an adjusted branch where files are unlocked, as this file system does not support locked files")
	return adjusted.Enter(ctx, d, annex.Adjustment{Unlock: true}, false)
}
