package annexcmd

import (
	"context"

	"github.com/stemma-data/stemma/internal/adjusted"
	"github.com/stemma-data/stemma/internal/dataset"
)

// Init makes an annex of the repository, or describes the one it is. A new one
// gets the version, "8" to "10", or the newest if that is "".
func Init(ctx context.Context, d *dataset.Dataset, description, version string) error {
	if err := d.InitAnnexVersion(ctx, description, version); err != nil {
		return err
	}
	return adjusted.ToFileSystem(ctx, d, true)
}
