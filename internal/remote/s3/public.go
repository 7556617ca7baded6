package s3

import (
	"context"
	"net/url"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/remote/s3/bucket"
)

// publicURL is the address of an object for those without credentials.
func (r *Remote) publicURL(object string) string {
	return r.conf.public + "/" + bucket.EscapePath(object)
}

// publicVersion is the address of a version.
func (r *Remote) publicVersion(v version) string {
	return r.publicURL(v.object) + "?versionId=" + url.QueryEscape(v.id)
}

// published tells whether people are told of the addresses, as git-annex does:
// of a bucket that is public, and whose address is known for certain.
func (r *Remote) published() bool {
	host := r.setup.Option("host")
	return r.setup.Yes("public") && (r.setup.Option("publicurl") != "" || host == "" || host == amazon)
}

// Addresses implements remote.Addresser.
func (r *Remote) Addresses(_ context.Context, k annexkey.Key) ([]string, error) {
	object, err := r.object(k)
	if err != nil || !r.published() {
		return nil, err
	}
	return []string{r.publicURL(object)}, nil
}

// Addresses implements remote.Addresser: the addresses stay those of the content,
// whatever the tree becomes.
func (r kept) Addresses(ctx context.Context, k annexkey.Key) ([]string, error) {
	if !r.published() {
		return nil, nil
	}
	list, err := r.versionsOf(ctx, k)
	urls := make([]string, len(list))
	for i, v := range list {
		urls[i] = r.publicVersion(v)
	}
	return urls, err
}
