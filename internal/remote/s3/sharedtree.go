package s3

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"os"
	"strings"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/s3/bucket"
)

// SharedTree is a Tree in which others change files, too. What is there is known
// by version, or by ETag. A server that knows no conditional requests leaves a
// moment between the look at an object and its replacement.
type SharedTree struct{ Tree }

// Distant implements remote.Distant.
func (SharedTree) Distant() {}

// replaceable is the condition under which a file may be replaced or deleted:
// that it is still the content that is known, or still missing. It is nil where
// old versions are kept: nothing is lost there, and some servers take the mark of
// a deletion for an object.
func (t Tree) replaceable(ctx context.Context, f remote.TreeFile) (bucket.Condition, error) {
	_, info, err := t.stat(ctx, f.Path)
	absent := errors.Is(err, remote.ErrAbsent)
	switch {
	case err != nil && !absent:
		return nil, err
	case !absent && !t.knows(info, f.IDs):
		return nil, &remote.UnknownContentError{Path: f.Path}
	case t.conf.versions:
		return nil, nil
	case absent:
		return bucket.Missing, nil
	}
	return bucket.Tagged(info.ETag), nil
}

// fetchKnown fetches a file only if it is the content that is known.
func (t Tree) fetchKnown(ctx context.Context, f remote.TreeFile, dst string, h hash.Hash) error {
	_, info, err := t.stat(ctx, f.Path)
	if err != nil {
		return err
	}
	if !t.knows(info, f.IDs) {
		return remote.ErrAbsent
	}
	return t.fetch(ctx, f.Key, remote.Importable{Path: f.Path, Size: info.Size, ID: t.id(info)}, dst, h)
}

// fetch fetches exactly the content with the identifier.
func (t Tree) fetch(ctx context.Context, k annexkey.Key, f remote.Importable, dst string, h hash.Hash) error {
	object, err := t.name(f.Path)
	if err != nil {
		return err
	}
	client, err := t.writing(ctx)
	if err != nil {
		return err
	}
	id, only := f.ID, bucket.Condition(nil)
	tag, tagged := strings.CutPrefix(f.ID, "#")
	if tagged {
		id, only = "", bucket.Tagged(tag)
	}
	body, info, err := client.GetIf(ctx, object, id, only)
	if err != nil && tagged && t.conf.versions { // from before the bucket was versioned
		body, info, err = client.GetIf(ctx, object, unversioned, nil)
	}
	if errors.Is(err, bucket.ErrCondition) {
		return remote.ErrChanged
	}
	if err != nil {
		return explain(err)
	}
	defer body.Close()
	if tagged && info.ETag != tag || !tagged && info.Version != "" && info.Version != id {
		return remote.ErrChanged
	}
	if most, ok := remote.Bound(ctx, k); ok && info.Size > most {
		return &remote.SizeError{Key: k, Have: info.Size, Want: most}
	}
	return remote.Receive(ctx, k, dst, 0, h, body)
}

// FetchContent implements remote.Importer.
func (t SharedTree) FetchContent(ctx context.Context, f remote.Importable, dst string, h hash.Hash) error {
	k := annexkey.New("URL", f.Path) // any that can have every content
	k.Size = f.Size
	err := t.fetch(ctx, k, f, dst, h)
	if errors.Is(err, remote.ErrAbsent) {
		return remote.ErrChanged
	}
	if fi, serr := os.Stat(dst); err == nil && serr == nil && fi.Size() != f.Size {
		os.Remove(dst)
		return remote.ErrChanged
	}
	return err
}

// path is the file of an object; false for what no tree has: objects that stand
// for folders, and git-annex's own.
func (t Tree) path(object string) (string, bool) {
	path, ok := strings.CutPrefix(object, t.conf.prefix)
	folder := path == "" || strings.HasSuffix(path, "/")
	return path, ok && !folder && path != uuidObject && !strings.HasPrefix(path[strings.LastIndex(path, "/")+1:], ".git-annex-tmp-content-")
}

// importable is a file as a list tells of it. Without an identifier one content
// could not be told from another.
func (t Tree) importable(path string, info bucket.Info) (remote.Importable, error) {
	f := remote.Importable{Path: path, Size: info.Size, ID: t.id(info)}
	if f.ID == "#" {
		return f, fmt.Errorf("list of the bucket: the server tells neither version nor ETag of %q", path)
	}
	return f, nil
}

// ListFiles implements remote.Importer.
func (t SharedTree) ListFiles(ctx context.Context) ([]remote.Importable, error) {
	client, err := t.writing(ctx)
	if err != nil {
		return nil, err
	}
	var files []remote.Importable
	err = client.List(ctx, t.conf.prefix, func(o bucket.Object) error {
		path, ok := t.path(o.Name)
		if !ok {
			return nil
		}
		f, err := t.importable(path, o.Info)
		files = append(files, f)
		return err
	})
	return files, explain(err)
}
