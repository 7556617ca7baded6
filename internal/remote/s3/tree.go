package s3

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"sync"
	"unicode/utf8"

	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/s3/bucket"
)

// Tree is a bucket that holds exported trees: each file is the object that is
// named like it.
type Tree struct{ *Remote }

// OpenTree is Open for a remote that holds exported trees.
func OpenTree(s remote.Setup) (remote.Exporter, error) {
	if err := keepsTrees(s); err != nil {
		return nil, err
	}
	r, err := Open(s)
	if err != nil {
		return nil, err
	}
	return Tree{r}, nil
}

// keepsTrees refuses settings that only git-annex itself has for trees.
func keepsTrees(s remote.Setup) error {
	if s.Yes("versioning") {
		return fmt.Errorf("remote %s keeps trees in a bucket with versioning=yes: %w", s.Name, remote.ErrUnsupported)
	}
	return nil
}

// name is the object for a file.
func (t Tree) name(path string) (string, error) {
	if err := remote.CheckTreePath(path); err != nil {
		return "", err
	}
	const most = 1024 // bytes
	object := t.conf.prefix + path
	if len(object) > most || !utf8.ValidString(object) {
		return "", fmt.Errorf("%q cannot be the name of an object: it is too long, or not UTF-8", path)
	}
	return object, nil
}

// writing is the client; it is an error that there are no credentials.
func (t Tree) writing(ctx context.Context) (*bucket.Bucket, error) {
	client, err := t.open(ctx)
	if err == nil && client == nil {
		err = errNoCredentials(t.setup.Name)
	}
	return client, err
}

// atOnce is how many requests are on their way.
const atOnce = 8

// each runs fn for n items, some at once, and then tells done of each, one at a
// time. It ends early when ctx does.
func each(ctx context.Context, n int, fn func(i int) error, done func(i int, err error)) error {
	var mu sync.Mutex
	var all sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	for i := range n {
		if ctx.Err() != nil {
			break
		}
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			err := fn(i)
			mu.Lock()
			defer mu.Unlock()
			if err == nil || ctx.Err() == nil {
				done(i, err)
			}
		})
	}
	all.Wait()
	return ctx.Err()
}

// HasFiles implements remote.Exporter.
func (t Tree) HasFiles(ctx context.Context, files []remote.TreeFile) ([]bool, error) {
	there := make([]bool, len(files))
	var failure error
	err := each(ctx, len(files), func(i int) error {
		size, err := t.size(ctx, files[i].Path)
		if errors.Is(err, remote.ErrAbsent) {
			return nil
		}
		want := files[i].Key.Size
		there[i] = err == nil && (want < 0 || size < 0 || size == want)
		return err
	}, func(_ int, err error) { failure = errors.Join(failure, err) })
	return there, errors.Join(err, failure)
}

func (t Tree) size(ctx context.Context, path string) (int64, error) {
	object, err := t.name(path)
	if err != nil {
		return 0, err
	}
	client, err := t.open(ctx)
	if err != nil {
		return 0, err
	}
	if client == nil {
		return t.web.Size(ctx, t.publicURL(object))
	}
	size, err := client.Size(ctx, object)
	return size, explain(err)
}

// PutFiles implements remote.Exporter.
func (t Tree) PutFiles(ctx context.Context, files []remote.TreeContent, done func(i int, id string, err error)) error {
	client, err := t.writing(ctx)
	if err != nil {
		return err
	}
	return each(ctx, len(files), func(i int) error { return t.put(ctx, client, files[i]) }, func(i int, err error) { done(i, "", err) })
}

func (t Tree) put(ctx context.Context, client *bucket.Bucket, f remote.TreeContent) error {
	object, err := t.name(f.File.Path)
	if err != nil {
		return err
	}
	in, err := os.Open(f.From.Path)
	if err != nil {
		return err
	}
	defer in.Close()
	if fi, err := in.Stat(); err != nil || fi.Size() != f.From.Size {
		return errors.Join(err, fsx.ErrChanged)
	}
	_, err = client.Put(ctx, bucket.Upload{
		Object: object, From: in, Size: f.From.Size, PartSize: t.conf.partFor(f.From.Size), Header: t.conf.header, Moved: f.From.Moved,
	})
	return explain(err)
}

// FetchFile implements remote.Exporter.
func (t Tree) FetchFile(ctx context.Context, f remote.TreeFile, dst string, h hash.Hash) error {
	object, err := t.name(f.Path)
	if err != nil {
		return err
	}
	client, err := t.open(ctx)
	if err != nil {
		return err
	}
	if client == nil {
		return t.web.Fetch(ctx, f.Key, t.publicURL(object), dst, 0, h)
	}
	return t.download(ctx, client, f.Key, object, "", dst, 0, h)
}

// DeleteFiles implements remote.Exporter.
func (t Tree) DeleteFiles(ctx context.Context, files []remote.TreeFile, done func(i int, err error)) error {
	client, err := t.writing(ctx)
	if err != nil {
		return err
	}
	return each(ctx, len(files), func(i int) error {
		object, err := t.name(files[i].Path)
		if err != nil {
			return err
		}
		if err = explain(client.Remove(ctx, object)); errors.Is(err, remote.ErrAbsent) {
			return nil
		}
		return err
	}, done)
}

// RenameFile implements remote.Renamer: the bucket copies its own object.
func (t Tree) RenameFile(ctx context.Context, f remote.TreeFile, to string) error {
	from, err := t.name(f.Path)
	if err != nil {
		return err
	}
	object, err := t.name(to)
	if err != nil {
		return err
	}
	client, err := t.writing(ctx)
	if err != nil {
		return err
	}
	if _, err := client.Size(ctx, from); err != nil {
		return explain(err)
	}
	if _, err := client.Size(ctx, object); err == nil {
		return fmt.Errorf("%s: %w", to, fs.ErrExist)
	} else if err = explain(err); !errors.Is(err, remote.ErrAbsent) {
		return err
	}
	if err := client.Copy(ctx, from, object, t.conf.header); err != nil {
		return explain(err)
	}
	return explain(client.Remove(ctx, from))
}
