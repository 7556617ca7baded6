package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/crypt"
	"github.com/stemma-data/stemma/internal/remote/s3/bucket"
)

// uuidObject says whose a bucket, or the part of it below a prefix, is.
const uuidObject = "annex-uuid"

// Create makes the bucket ready for a new or enabled remote, and returns the
// configuration as it is to be stored: with the bucket's name, and with
// credentials where embedcreds asks for that. It refuses what belongs to another
// remote.
func Create(ctx context.Context, s remote.Setup) (map[string]string, error) {
	s.Config = maps.Clone(s.Config)
	if err := checkSafe(s); err != nil {
		return nil, err
	}
	fillIn(s)
	r, err := Open(s)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	v, ok, err := credentialsOf(ctx, s)
	if err != nil {
		return nil, err
	}
	if !ok {
		if r.conf.public != "" || s.Option("signature") == "anonymous" {
			return s.Config, nil
		}
		return nil, errNoCredentials(s.Name)
	}
	if err := r.claim(ctx); err != nil {
		return nil, err
	}
	kept := crypt.Credentials{Login: v.ID, Secret: v.Secret}
	if v.Token == "" { // others end soon
		if err := crypt.WriteCredentials(s, s.UUID, kept); err != nil {
			return nil, err
		}
	}
	if embeds(s) {
		s.Config[credsField], err = crypt.Embed(ctx, s, kept)
	}
	return s.Config, err
}

// embeds follows git-annex: where the cipher is encrypted to keys, credentials
// lie in the repository unless that is refused.
func embeds(s remote.Setup) bool {
	if s.Option("embedcreds") != "" {
		return s.Yes("embedcreds")
	}
	return s.Option("cipherkeys") != ""
}

// fillIn sets what git-annex sets where the user does not.
func fillIn(s remote.Setup) {
	defaults := map[string]string{
		"bucket": strings.ToLower(s.Name + "-" + s.UUID), "datacenter": "US", "storageclass": "STANDARD", "host": amazon, "port": "80",
	}
	if s.Option("protocol") == "https" {
		defaults["port"] = "443"
	}
	if s.Option("host") == "" && s.Option("port") == "" && s.Option("protocol") == "" {
		defaults["protocol"], defaults["port"] = "https", "443"
	}
	for field, v := range defaults {
		if s.Config[field] == "" {
			s.Config[field] = v
		}
	}
}

// claim makes sure that there is a bucket which is this remote's.
func (r *Remote) claim(ctx context.Context) error {
	client, err := r.open(ctx)
	if err != nil {
		return err
	}
	if client == nil {
		return nil
	}
	if r.setup.Yes("exporttree") || r.setup.Yes("importtree") { // a tree has nothing but its files
		return r.makeBucket(ctx, client)
	}
	name := r.conf.prefix + uuidObject
	owner, err := r.owner(ctx, client, name)
	if err == nil && owner != "" && owner != r.UUID() {
		return fmt.Errorf("the bucket %s is in use by another special remote: %s is %s", r.conf.bucket, name, owner)
	}
	if owner == r.UUID() || err != nil && !errors.Is(err, remote.ErrAbsent) {
		return err
	}
	if err := r.makeBucket(ctx, client); err != nil {
		return err
	}
	_, err = client.Put(ctx, bucket.Upload{
		Object: name, From: strings.NewReader(r.UUID()), Size: int64(len(r.UUID())), PartSize: r.conf.partSize, Header: r.conf.header,
	})
	return explain(err)
}

// makeBucket makes the bucket, unless it is there.
func (r *Remote) makeBucket(ctx context.Context, client *bucket.Bucket) error {
	if ok, err := client.Exists(ctx); err != nil {
		return explain(err)
	} else if !ok {
		if err := client.Make(ctx); err != nil {
			return fmt.Errorf("create bucket %s: %w", r.conf.bucket, explain(err))
		}
	}
	return r.keepVersions(ctx, client)
}

// keepVersions makes a bucket that has to be versioned so, unless it is.
func (r *Remote) keepVersions(ctx context.Context, client *bucket.Bucket) error {
	if !r.conf.versions {
		return nil
	}
	if on, err := client.Versioned(ctx); err == nil && on {
		return nil
	}
	if err := client.EnableVersioning(ctx); err != nil {
		return fmt.Errorf("enable versioning of bucket %s: %w", r.conf.bucket, explain(err))
	}
	return nil
}

// checkSafe refuses, as git-annex does, that exports may replace what others have
// put there, where nothing is kept of that.
func checkSafe(s remote.Setup) error {
	if s.Force || s.Yes("versioning") || !s.Yes("exporttree") || !s.Yes("importtree") {
		return nil
	}
	return errs.WithHint(errors.New("Combining exporttree=yes and importtree=yes with an unversioned S3 bucket is not safe; exporting can overwrite other modifications to files in the bucket. Recommend you add versioning=yes."),
		"use --force if you don't mind possibly losing data")
}

// owner is the UUID that the bucket says it belongs to.
func (r *Remote) owner(ctx context.Context, client *bucket.Bucket, name string) (string, error) {
	body, _, err := client.Get(ctx, name, "", 0)
	if err != nil {
		if bucket.IsCode(err, bucket.NoSuchBucket) {
			return "", remote.ErrAbsent
		}
		return "", explain(err)
	}
	defer body.Close()
	const most = 100
	data, err := io.ReadAll(io.LimitReader(body, most))
	return strings.TrimSpace(string(data)), err
}
