package s3

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"strings"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/remote"
)

// version is content that a versioned bucket keeps: an object as it once was, or
// as it is now where id is "".
type version struct{ object, id string }

// longestVersion is what git-annex accepts, in bytes.
const longestVersion = 2048

// unversioned is the version of all objects that were there before the bucket
// was versioned.
const unversioned = "null"

// known tells whether id names one version.
func known(id string) bool { return id != "" && id != unversioned && len(id) < longestVersion }

// parseVersion reads "ID#OBJECT". Only objects that the remote could have are
// accepted: the log may be anybody's.
func (r *Remote) parseVersion(k annexkey.Key, text string) (version, bool) {
	id, object, ok := strings.Cut(text, "#")
	path, below := strings.CutPrefix(object, r.conf.prefix)
	owned := below && (remote.CheckTreePath(path) == nil || path == k.String() && k.Safe() == nil)
	return version{object, id}, ok && known(id) && owned
}

// logOf is where the versions of a key are on record. git-annex knows content
// that is git's own by its blob, without a size.
func logOf(k annexkey.Key) string {
	if k.Backend == "GIT" {
		k = annexkey.New(k.Backend, k.Name)
	}
	return annexlog.KeyPath(k, annexlog.RemoteMetaDataSuffix)
}

// versionsOf lists the versions that are on record for the key.
func (r *Remote) versionsOf(ctx context.Context, k annexkey.Key) ([]version, error) {
	if r.setup.Logs == nil {
		return nil, nil
	}
	data, err := r.setup.Logs.Read(ctx, logOf(k))
	if err != nil {
		return nil, err
	}
	var list []version
	for _, text := range annexlog.ParseMetaData(data).Values(r.UUID() + ":V") {
		if v, ok := r.parseVersion(k, text); ok {
			list = append(list, v)
		}
	}
	return list, nil
}

// record notes that the version has the key's content. Others that have it, too,
// stay on record.
func (r *Remote) record(ctx context.Context, k annexkey.Key, v version) error {
	if r.setup.Logs == nil {
		return nil
	}
	now := r.setup.Logs.Now()
	text := v.id + "#" + v.object
	return r.setup.Logs.Change(ctx, logOf(k), func(old []byte) []byte {
		changed, err := annexlog.ParseMetaData(old).Set(now, annexlog.MetaChange{Field: r.UUID() + ":V", Set: []string{text}})
		if err != nil {
			return old
		}
		return changed
	})
}

// orVersion tries the content where it should be, and then the versions that are
// on record.
func (r *Remote) orVersion(ctx context.Context, k annexkey.Key, now version, try func(version) error) error {
	err := try(now)
	if !errors.Is(err, remote.ErrAbsent) || !r.conf.versions {
		return err
	}
	list, lerr := r.versionsOf(ctx, k)
	if lerr != nil || len(list) == 0 {
		return errors.Join(lerr, err)
	}
	return tryVersions(list, try)
}

// tryVersions returns nil as soon as one version will do. Absence is certain only
// where it is for all.
func tryVersions(list []version, try func(version) error) error {
	var failure error
	for _, v := range list {
		err := try(v)
		if err == nil {
			return nil
		}
		if !errors.Is(err, remote.ErrAbsent) {
			failure = err
		}
	}
	if failure != nil {
		return failure
	}
	return remote.ErrAbsent
}

// kept finds the contents of trees in a versioned bucket by their versions.
type kept struct{ *Remote }

// each tries the versions of the key.
func (r kept) each(ctx context.Context, k annexkey.Key, try func(version) error) error {
	list, err := r.versionsOf(ctx, k)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return errs.WithHint(fmt.Errorf("remote %s: no version is recorded of %s", r.setup.Name, k), "fetch the git-annex branch of the repository that exported it")
	}
	return tryVersions(list, try)
}

// Present implements remote.Remote.
func (r kept) Present(ctx context.Context, k annexkey.Key) (bool, error) {
	err := r.each(ctx, k, func(v version) error {
		size, err := r.sizeOf(ctx, v)
		if err == nil && size >= 0 && k.Size >= 0 && size != k.Size {
			return remote.ErrAbsent
		}
		return err
	})
	if errors.Is(err, remote.ErrAbsent) {
		return false, nil
	}
	return err == nil, err
}

// sizeOf looks for the version; -1 where its size is not told.
func (r *Remote) sizeOf(ctx context.Context, v version) (int64, error) {
	client, err := r.open(ctx)
	if err != nil {
		return 0, err
	}
	if client == nil {
		return r.web.Size(ctx, r.publicVersion(v))
	}
	info, err := client.Stat(ctx, v.object, v.id)
	if err == nil && info.Version != "" && info.Version != v.id {
		return 0, remote.ErrAbsent // the server knows no versions
	}
	return info.Size, explain(err)
}

// Fetch implements remote.Remote.
func (r kept) Fetch(ctx context.Context, k annexkey.Key, dst string, h hash.Hash) error {
	client, err := r.open(ctx)
	if err != nil {
		return err
	}
	return r.each(ctx, k, func(v version) error {
		if h != nil {
			h.Reset()
		}
		if client == nil {
			return r.web.Fetch(ctx, k, r.publicVersion(v), dst, 0, h)
		}
		return r.download(ctx, client, k, v.object, v.id, dst, 0, h)
	})
}

// Lock implements remote.Locker: nothing takes a version away.
func (r kept) Lock(ctx context.Context, k annexkey.Key) (remote.Lock, error) {
	ok, err := r.Present(ctx, k)
	if err == nil && !ok {
		err = remote.ErrAbsent
	}
	return forever{}, err
}

// forever is the lock on content that stays.
type forever struct{}

func (forever) Held() error { return nil }
func (forever) Release()    {}
