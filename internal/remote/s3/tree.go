package s3

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"os"
	"slices"
	"unicode/utf8"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/s3/bucket"
)

// Tree is a bucket that holds exported trees: each file is the object that is
// named like it.
type Tree struct {
	*Remote
	shared bool // others write there, too (importtree)
}

// OpenTree is Open for a remote that holds trees.
func OpenTree(s remote.Setup) (remote.Exporter, error) {
	r, err := Open(s)
	if err != nil {
		return nil, err
	}
	switch t := (Tree{r, s.Yes("importtree")}); {
	case !t.shared:
		return ownTree{t}, nil
	case r.conf.versions:
		return versionedTree{SharedTree{t}}, nil
	default:
		return SharedTree{t}, nil
	}
}

// Kept implements remote.Archive.
func (t Tree) Kept() remote.Locker {
	if !t.conf.versions {
		return nil
	}
	return kept{t.Remote}
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

// stat looks at the object of a file, and returns its name.
func (t Tree) stat(ctx context.Context, path string) (string, bucket.Info, error) {
	object, err := t.name(path)
	if err != nil {
		return "", bucket.Info{}, err
	}
	client, err := t.open(ctx)
	if err != nil {
		return "", bucket.Info{}, err
	}
	if client == nil {
		size, err := t.web.Size(ctx, t.publicURL(object))
		return object, bucket.Info{Size: size}, err
	}
	info, err := client.Stat(ctx, object, "")
	return object, info, explain(err)
}

// HasFiles implements remote.Exporter.
func (t Tree) HasFiles(ctx context.Context, files []remote.TreeFile) ([]bool, error) {
	there := make([]bool, len(files))
	var failure error
	err := each(ctx, len(files), func(i int) error {
		_, info, err := t.stat(ctx, files[i].Path)
		if errors.Is(err, remote.ErrAbsent) {
			return nil
		}
		if err == nil {
			there[i], err = t.has(ctx, files[i], info)
		}
		return err
	}, func(_ int, err error) { failure = errors.Join(failure, err) })
	return there, errors.Join(err, failure)
}

// has compares what is there with what should be. Of content in a versioned
// bucket a version must be on record, too: otherwise it would not be found any
// more once the file is another one.
func (t Tree) has(ctx context.Context, f remote.TreeFile, info bucket.Info) (bool, error) {
	if t.shared {
		return t.knows(info, f.IDs), nil
	}
	if info.Size >= 0 && f.Key.Size >= 0 && info.Size != f.Key.Size {
		return false, nil
	}
	if !t.conf.versions {
		return true, nil
	}
	versions, err := t.versionsOf(ctx, f.Key)
	return len(versions) > 0, err
}

// PutFiles implements remote.Exporter.
func (t Tree) PutFiles(ctx context.Context, files []remote.TreeContent, done func(i int, id string, err error)) error {
	client, err := t.writing(ctx)
	if err != nil {
		return err
	}
	ids := make([]string, len(files))
	return each(ctx, len(files), func(i int) (err error) {
		ids[i], err = t.put(ctx, client, files[i])
		return err
	}, func(i int, err error) { done(i, ids[i], err) })
}

// put stores a file and returns the identifier of its content.
func (t Tree) put(ctx context.Context, client *bucket.Bucket, f remote.TreeContent) (string, error) {
	object, err := t.name(f.File.Path)
	if err != nil {
		return "", err
	}
	in, err := os.Open(f.From.Path)
	if err != nil {
		return "", err
	}
	defer in.Close()
	if fi, err := in.Stat(); err != nil || fi.Size() != f.From.Size {
		return "", errors.Join(err, fsx.ErrChanged)
	}
	u := bucket.Upload{Object: object, From: in, Size: f.From.Size, PartSize: t.conf.partFor(f.From.Size), Header: t.conf.header, Moved: f.From.Moved}
	if t.shared {
		if u.If, err = t.replaceable(ctx, f.File); err != nil {
			return "", err
		}
	}
	info, err := client.Put(ctx, u)
	if errors.Is(err, bucket.ErrCondition) {
		return "", &remote.UnknownContentError{Path: f.File.Path}
	}
	if err != nil {
		return "", explain(err)
	}
	return t.stored(ctx, f.File, version{object, info.Version}, info)
}

// stored records the version of what was stored.
func (t Tree) stored(ctx context.Context, f remote.TreeFile, v version, info bucket.Info) (id string, err error) {
	if t.conf.versions {
		if !known(v.id) {
			return "", t.errUnversioned()
		}
		if err := t.record(ctx, f.Key, v); err != nil {
			return "", err
		}
	}
	if t.shared {
		id = t.id(info)
	}
	return id, nil
}

func (t Tree) errUnversioned() error {
	return errs.WithHint(fmt.Errorf("remote %s has versioning=yes, and the bucket %s keeps no versions", t.setup.Name, t.conf.bucket),
		"enable versioning of the bucket: what is replaced there now is lost")
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
	if t.shared {
		return t.fetchKnown(ctx, f, dst, h)
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
		err := t.delete(ctx, client, files[i])
		if errors.Is(err, remote.ErrAbsent) {
			return nil
		}
		return err
	}, done)
}

func (t Tree) delete(ctx context.Context, client *bucket.Bucket, f remote.TreeFile) error {
	object, err := t.name(f.Path)
	if err != nil {
		return err
	}
	var only bucket.Condition
	if t.shared {
		if only, err = t.replaceable(ctx, f); err != nil {
			return err
		}
	} else if err := t.outlives(ctx, f); err != nil {
		return err
	}
	err = client.RemoveIf(ctx, object, only)
	if errors.Is(err, bucket.ErrCondition) {
		return &remote.UnknownContentError{Path: f.Path}
	}
	return explain(err)
}

// outlives makes sure that what counts as kept is kept when the file is another
// one: objects may be older than the versions of the bucket.
func (t Tree) outlives(ctx context.Context, f remote.TreeFile) error {
	if !t.conf.versions {
		return nil
	}
	versions, err := t.versionsOf(ctx, f.Key)
	if err != nil || len(versions) > 0 {
		return err
	}
	_, info, err := t.stat(ctx, f.Path)
	if err == nil && !known(info.Version) {
		err = t.errUnversioned()
	}
	return err
}

// knows compares an object with identifiers that are on record. Both kinds are,
// as git-annex writes the version also where versioning=yes is not set.
func (t Tree) knows(info bucket.Info, ids []string) bool {
	return info.ETag != "" && slices.Contains(ids, "#"+info.ETag) || known(info.Version) && slices.Contains(ids, info.Version)
}

// id is the identifier of content: its version, or else "#" and the ETag.
func (t Tree) id(info bucket.Info) string {
	if t.conf.versions && known(info.Version) {
		return info.Version
	}
	return "#" + info.ETag
}
