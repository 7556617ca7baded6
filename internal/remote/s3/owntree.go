package s3

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/stemma-data/stemma/internal/remote"
)

// ownTree is a Tree in which only exports write, so that content can be moved
// without a look at what it is.
type ownTree struct{ Tree }

// RenameFile implements remote.Renamer: the bucket copies its own object.
func (t ownTree) RenameFile(ctx context.Context, f remote.TreeFile, to string) error {
	object, err := t.name(to)
	if err != nil {
		return err
	}
	client, err := t.writing(ctx)
	if err != nil {
		return err
	}
	from, _, err := t.stat(ctx, f.Path)
	if err != nil {
		return err
	}
	if _, _, err := t.stat(ctx, to); err == nil {
		return fmt.Errorf("%s: %w", to, fs.ErrExist)
	} else if !errors.Is(err, remote.ErrAbsent) {
		return err
	}
	if err := t.outlives(ctx, f); err != nil {
		return err
	}
	if _, err := client.Copy(ctx, from, object, t.conf.header); err != nil {
		return explain(err)
	}
	return explain(client.Remove(ctx, from))
}
