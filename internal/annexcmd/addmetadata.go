package annexcmd

import (
	"context"
	"errors"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/gitindex"
)

// inheritMetadata gives a new version of a file the metadata of the one that it
// replaces. It returns what people should know about that, or "".
func (s *Session) inheritMetadata(ctx context.Context, f *candidate) (string, error) {
	index, err := s.D.Repo.ReadIndex()
	if errors.Is(err, gitindex.ErrUnsupported) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	e, ok := index.Lookup(f.rel)
	if !ok || e.Stage != 0 {
		return "", nil
	}
	old, ok, err := s.blobKey(ctx, e)
	if err != nil || !ok || old == f.key {
		return "", err
	}
	copied, err := s.copyMetadata(ctx, old, f.key)
	if err != nil || !copied {
		return "", err
	}
	return "  Copied metadata from old version of " + f.show + " to new version. " +
		"If you don't want this copied metadata, run: git annex metadata --remove-all " + f.show, nil
}

// copyMetadata adds a key's metadata to that of another, with the times at which
// it was set. It is false where there is nothing new.
func (s *Session) copyMetadata(ctx context.Context, from, to annexkey.Key) (bool, error) {
	data, err := s.Log(ctx, annexlog.KeyPath(from, annexlog.MetaDataSuffix))
	if err != nil || len(annexlog.ParseMetaData(data).Fields()) == 0 {
		return false, err
	}
	path := annexlog.KeyPath(to, annexlog.MetaDataSuffix)
	now, err := s.Log(ctx, path)
	if err != nil || string(annexlog.Union(now, data)) == string(now) {
		return false, err
	}
	return true, s.Change(ctx, annex.LogEdit{Path: path, Change: func(old []byte) []byte { return annexlog.Union(old, data) }})
}
