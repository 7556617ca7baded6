package annexcmd

import (
	"context"

	"github.com/stemma-data/stemma/internal/dataset"
)

// Init makes an annex of the repository, or describes the one it is.
func Init(ctx context.Context, d *dataset.Dataset, description string) error {
	return d.InitAnnex(ctx, description)
}
