package annexcmd

import (
	"context"
	"errors"
	"io/fs"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/gitindex"
)

// inheritMetadata gives a new version of a file the metadata of the one that it
// replaces. It returns what people should know about that, or "".
func (s *Session) inheritMetadata(ctx context.Context, f *candidate) (string, error) {
	old, ok, err := s.indexKey(ctx, f.rel)
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

// indexKey is the key that the index has for a path, if any.
func (s *Session) indexKey(ctx context.Context, rel string) (annexkey.Key, bool, error) {
	index, err := s.D.Repo.ReadIndex()
	if errors.Is(err, gitindex.ErrUnsupported) {
		return annexkey.Key{}, false, nil
	}
	if err != nil {
		return annexkey.Key{}, false, err
	}
	e, ok := index.Lookup(rel)
	if !ok || e.Stage != 0 {
		return annexkey.Key{}, false, nil
	}
	return s.blobKey(ctx, e)
}

// outgrown takes the key that a file had from it, now that it has another one.
// It returns the key if its content is lost by that.
func (s *Session) outgrown(ctx context.Context, rel string, seen fs.FileInfo, k annexkey.Key) (annexkey.Key, error) {
	if annex.SingleLink(seen) {
		return annexkey.Key{}, nil
	}
	old, ok, err := s.indexKey(ctx, rel)
	if err != nil || !ok || old == k {
		return annexkey.Key{}, err
	}
	lost, err := s.D.Outgrow(ctx, rel, seen, old)
	if !lost {
		old = annexkey.Key{}
	}
	return old, err
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
