package exporttree

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"io"
	"os"
	"strings"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/remote"
)

// addID records by which identifier the remote has a file's content.
func (x *run) addID(ctx context.Context, f file, id string) error {
	now := x.s.Now()
	return x.s.Change(ctx, annex.LogEdit{Path: annexlog.KeyPath(f.key, annexlog.ContentIDSuffix), UUID: x.uuid, Change: func(old []byte) []byte {
		out, changed, err := annexlog.ParseContentIDs(old).Add(x.uuid, id, now)
		if err != nil || !changed {
			return old
		}
		return out
	}})
}

// learn tells a remote that wants to know whose content it has.
func (x *run) learn(ctx context.Context, i remote.Importable, f file) error {
	if l, ok := x.store.(remote.Learner); ok {
		return l.Learn(ctx, i, f.key)
	}
	return nil
}

// adopt looks whether a file of which nothing is known is the very one that is
// to be exported: an export was killed after it had stored it and before that
// was recorded. It returns the content's identifier, "" if it is another one.
func (x *export) adopt(ctx context.Context, f file, c remote.TreeContent) (string, error) {
	importer, ok := x.store.(remote.Importer)
	if !ok {
		return "", nil
	}
	list, err := importer.ListFiles(ctx)
	if err != nil {
		return "", err
	}
	for _, there := range list {
		if there.Path != f.path || there.Size != c.From.Size {
			continue
		}
		dst := x.s.D.Annex.Dir("tmp", fsx.TempPrefix+strings.ToLower(rand.Text()[:16]))
		defer os.Remove(dst)
		if err := importer.FetchContent(ctx, there, dst, nil); err != nil {
			return "", err
		}
		same, err := sameBytes(dst, c.From.Path)
		if err != nil || !same {
			return "", err
		}
		return there.ID, x.learn(ctx, there, f)
	}
	return "", nil
}

// sameBytes compares two files.
func sameBytes(a, b string) (bool, error) {
	var sums [2][]byte
	for i, name := range []string{a, b} {
		f, err := os.Open(name)
		if err != nil {
			return false, err
		}
		h := sha256.New()
		_, err = io.Copy(h, f)
		f.Close()
		if err != nil {
			return false, err
		}
		sums[i] = h.Sum(nil)
	}
	return bytes.Equal(sums[0], sums[1]), nil
}
