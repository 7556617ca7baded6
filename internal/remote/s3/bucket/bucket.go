// Package bucket speaks the S3 protocol as far as a special remote needs it:
// the objects of one bucket, in one or several parts. It is small because every
// command of the program pays for what its libraries do at start-up, and those
// that speak all of S3 do much.
//
// Source: the Amazon S3 API Reference, API version 2006-03-01.
package bucket

import (
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Credentials are the keys of an account. Token goes with keys that end soon.
type Credentials struct{ ID, Secret, Token string }

// Config says where a bucket is, and who asks.
type Config struct {
	Name      string
	Endpoint  string // host, with a port where it is not the protocol's
	Secure    bool   // https
	PathStyle bool   // the bucket is the first part of the path, not of the host's name
	Region    string
	Creds     Credentials // none: requests are not signed
	OldSign   bool        // signature version 2, for old servers
	Client    *http.Client
}

// Bucket is one bucket. It is safe for concurrent use.
type Bucket struct {
	conf   Config
	signer *v4.Signer

	mu     sync.Mutex
	region string // as far as is known; the server may correct it
}

// New returns the bucket; nothing is asked yet.
func New(c Config) *Bucket {
	client := *c.Client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // a signature is for one host
	c.Client = &client
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	return &Bucket{conf: c, signer: signer, region: c.Region}
}

// Get opens the object, or a version of it where version is not empty, from
// the offset in bytes on, and says how many bytes the server will send.
func (b *Bucket) Get(ctx context.Context, object, version string, offset int64) (io.ReadCloser, int64, error) {
	r := request{method: http.MethodGet, object: object, query: versionQuery(version)}
	if offset > 0 {
		r.header = http.Header{"Range": {"bytes=" + strconv.FormatInt(offset, 10) + "-"}}
	}
	resp, err := b.do(ctx, r)
	if err != nil {
		return nil, 0, err
	}
	if offset > 0 && resp.StatusCode != http.StatusPartialContent {
		resp.Body.Close()
		return nil, 0, fmt.Errorf("the server sends %s from the start, not from byte %d on", object, offset)
	}
	return resp.Body, resp.ContentLength, nil
}

// Head asks whether the object, or a version of it, is there.
func (b *Bucket) Head(ctx context.Context, object, version string) error {
	return b.call(ctx, request{method: http.MethodHead, object: object, query: versionQuery(version)}, nil)
}

// Exists tells whether the bucket is there.
func (b *Bucket) Exists(ctx context.Context) (bool, error) {
	err := b.call(ctx, request{method: http.MethodHead}, nil)
	if IsCode(err, NoSuchBucket) {
		return false, nil
	}
	return err == nil, err
}

// Make makes the bucket, in the configured region.
func (b *Bucket) Make(ctx context.Context) error {
	r := request{method: http.MethodPut}
	if b.conf.Region != "" && b.conf.Region != homeRegion {
		var err error
		if r.body, err = xmlBody(place{LocationConstraint: b.conf.Region}); err != nil {
			return err
		}
	}
	return b.call(ctx, r, nil)
}

// Versioned tells whether the bucket keeps all versions of its objects.
func (b *Bucket) Versioned(ctx context.Context) (bool, error) {
	var v struct {
		XMLName xml.Name `xml:"VersioningConfiguration"`
		Status  string
	}
	err := b.call(ctx, request{method: http.MethodGet, query: url.Values{"versioning": {""}}}, &v)
	return v.Status == enabled, err
}

// EnableVersioning makes the bucket keep all versions of its objects from now on.
func (b *Bucket) EnableVersioning(ctx context.Context) error {
	body, err := xmlBody(versioning{Status: enabled})
	if err != nil {
		return err
	}
	return b.call(ctx, request{method: http.MethodPut, query: url.Values{"versioning": {""}}, body: body}, nil)
}

// homeRegion is the one that needs no naming.
const homeRegion = "us-east-1"

func versionQuery(version string) url.Values {
	if version == "" {
		return nil
	}
	return url.Values{"versionId": {version}}
}

// place names the region of a new bucket.
type place struct {
	XMLName            xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ CreateBucketConfiguration"`
	LocationConstraint string
}

const enabled = "Enabled"

type versioning struct {
	XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ VersioningConfiguration"`
	Status  string
}

func xmlBody(document any) (*body, error) {
	data, err := xml.Marshal(document)
	return bytesBody(data), err
}
