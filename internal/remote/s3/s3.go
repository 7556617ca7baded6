// Package s3 is git-annex's special remote of type S3: one object for each key
// in a bucket at Amazon or any server that speaks its protocol. Content of a
// public bucket is read without credentials.
package s3

import (
	"context"
	"errors"
	"hash"
	"net/http"
	"os"
	"sync"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/fetchurl"
	"github.com/stemma-data/stemma/internal/remote/s3/bucket"
)

// Remote is one bucket, or the part of it below a prefix.
type Remote struct {
	setup  remote.Setup
	conf   settings
	web    *fetchurl.Client // where there are no credentials
	once   sync.Once
	client *bucket.Bucket
	err    error
}

// Open reads the configuration; credentials are looked for at the first use.
func Open(s remote.Setup) (*Remote, error) {
	conf, err := readSettings(s)
	if err != nil {
		return nil, err
	}
	return &Remote{setup: s, conf: conf, web: fetchurl.New(s)}, nil
}

// Name returns the remote's name in our configuration.
func (r *Remote) Name() string { return r.setup.Name }

// UUID returns the remote's identity.
func (r *Remote) UUID() string { return r.setup.UUID }

// Describe implements remote.Describer.
func (r *Remote) Describe() [][2]string { return r.conf.describe() }

// Close implements remote.Closer.
func (r *Remote) Close() error { r.web.Close(); return nil }

// open returns the client; nil where there are no credentials, but the bucket
// can be read by everybody.
func (r *Remote) open(ctx context.Context) (*bucket.Bucket, error) {
	r.once.Do(func() {
		v, ok, err := credentialsOf(context.WithoutCancel(ctx), r.setup)
		switch {
		case err != nil:
			r.err = err
		case r.setup.Option("signature") == "anonymous":
			if r.conf.public == "" {
				r.client = r.conf.connect(r.setup, bucket.Credentials{})
			}
		case ok:
			r.client = r.conf.connect(r.setup, v)
		case r.conf.public == "":
			r.err = errNoCredentials(r.setup.Name)
		}
	})
	return r.client, r.err
}

// object is the name under which the key's content lies.
func (r *Remote) object(k annexkey.Key) (string, error) {
	return r.conf.prefix + k.String(), k.Safe()
}

// explain tells absence from failure, and keeps keys and signatures out of
// messages.
func explain(err error) error {
	var refused *bucket.Error
	if !errors.As(err, &refused) {
		return err
	}
	switch code := refused.Code; {
	case code == bucket.NoSuchKey || code == bucket.NoSuchVersion || code == bucket.DeleteMarker || refused.Status == http.StatusNotFound && code != bucket.NoSuchBucket:
		return remote.ErrAbsent
	case code == bucket.AccessDenied || code == "InvalidAccessKeyId" || code == "SignatureDoesNotMatch":
		return errs.WithHint(err, "check the credentials and what they may do in the bucket")
	}
	return err
}

// Present implements remote.Remote.
func (r *Remote) Present(ctx context.Context, k annexkey.Key) (bool, error) {
	object, err := r.object(k)
	if err != nil {
		return false, err
	}
	client, err := r.open(ctx)
	if err != nil {
		return false, err
	}
	if client == nil {
		_, err = r.web.Size(ctx, r.publicURL(object))
	} else {
		err = r.orVersion(ctx, k, version{object, ""}, func(v version) error {
			return explain(client.Head(ctx, v.object, v.id))
		})
	}
	if errors.Is(err, remote.ErrAbsent) {
		return false, nil
	}
	return err == nil, err
}

// Fetch implements remote.Remote.
func (r *Remote) Fetch(ctx context.Context, k annexkey.Key, dst string, h hash.Hash) error {
	return r.FetchFrom(ctx, k, dst, 0, h)
}

// FetchFrom implements remote.Resumer.
func (r *Remote) FetchFrom(ctx context.Context, k annexkey.Key, dst string, offset int64, h hash.Hash) error {
	object, err := r.object(k)
	if err != nil {
		return err
	}
	client, err := r.open(ctx)
	if err != nil {
		return err
	}
	if client == nil {
		return r.web.Fetch(ctx, k, r.publicURL(object), dst, offset, h)
	}
	return r.orVersion(ctx, k, version{object, ""}, func(v version) error {
		return r.download(ctx, client, k, v.object, v.id, dst, offset, h)
	})
}

func (r *Remote) download(ctx context.Context, client *bucket.Bucket, k annexkey.Key, object, version, dst string, offset int64, h hash.Hash) error {
	if offset > 0 && offset == k.Size {
		return explain(client.Head(ctx, object, version))
	}
	body, size, err := client.Get(ctx, object, version, offset)
	if err != nil {
		return explain(err)
	}
	defer body.Close()
	if most, ok := remote.Bound(ctx, k); ok && offset+size > most {
		return &remote.SizeError{Key: k, Have: offset + size, Want: most}
	}
	err = remote.Receive(ctx, k, dst, offset, h, body)
	if size >= 0 { // else a connection that breaks looks like the end
		err = remote.AllThere(err)
	}
	return err
}

// lookFrom is the size in bytes from which a question saves more than it costs.
const lookFrom = 1 << 20

// Looks implements remote.Looker.
func (r *Remote) Looks() {}

// Store implements remote.Keeper. An object appears only when all of it is
// there.
func (r *Remote) Store(ctx context.Context, k annexkey.Key, c remote.Content) error {
	object, err := r.object(k)
	if err != nil {
		return err
	}
	client, err := r.open(ctx)
	if err != nil {
		return err
	}
	if client == nil {
		return errNoCredentials(r.setup.Name)
	}
	if c.Size >= lookFrom || r.conf.versions {
		if ok, err := r.Present(ctx, k); ok || err != nil {
			return err
		}
	}
	f, err := os.Open(c.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	if fi, err := f.Stat(); err != nil || fi.Size() != c.Size {
		return errors.Join(err, fsx.ErrChanged)
	}
	_, err = client.Put(ctx, bucket.Upload{
		Object: object, From: f, Size: c.Size, PartSize: r.conf.partFor(c.Size), Header: r.conf.header, Moved: c.Moved,
	})
	return explain(err)
}

// Remove implements remote.Keeper. A versioned bucket keeps the content, but not
// as that of the key.
func (r *Remote) Remove(ctx context.Context, k annexkey.Key) error {
	object, err := r.object(k)
	if err != nil {
		return err
	}
	client, err := r.open(ctx)
	if err != nil {
		return err
	}
	if client == nil {
		return errNoCredentials(r.setup.Name)
	}
	err = explain(client.Remove(ctx, object))
	if errors.Is(err, remote.ErrAbsent) {
		return nil
	}
	return err
}
