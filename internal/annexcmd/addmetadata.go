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

// ingestMetadata gives a new version of a file the metadata of the one that it
// replaces in the last commit, and the date of the file where that is configured. It
// returns what people should know about that, or "".
func (s *Session) ingestMetadata(ctx context.Context, f *candidate) (note string, err error) {
	if s.ancestors == nil || s.Shared { // others may commit between two files
		s.ancestors = s.D.Ancestors(ctx)
	}
	old, ok, err := s.ancestors.Key(ctx, f.rel)
	if err != nil {
		return "", err
	}
	if ok && old != f.key {
		log, err := s.Log(ctx, annexlog.KeyPath(old, annexlog.MetaDataSuffix))
		if err != nil {
			return "", err
		}
		if e, ok := annex.InheritMetadata(log, f.key); ok {
			if err := s.Change(ctx, e); err != nil {
				return "", err
			}
			note = annex.InheritedNote(f.show)
		}
	}
	if s.D.Repo.Config.Bool("annex.genmetadata", false) {
		err = s.Change(ctx, annex.DateMetadata(f.key, f.seen.ModTime(), s.clock()))
	}
	return note, err
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
