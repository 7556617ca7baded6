package bucket

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// request is what is asked; it may be sent several times.
type request struct {
	method string
	object string // "" for the bucket itself
	query  url.Values
	header http.Header
	body   *body
}

// body is a part of a file, or a few bytes of our own.
type body struct {
	at     io.ReaderAt
	offset int64
	size   int64
	sent   func(io.Reader) io.Reader // watches what is sent, if not nil
}

func bytesBody(data []byte) *body { return &body{at: bytes.NewReader(data), size: int64(len(data))} }

func (b *body) reader() io.Reader { return io.NewSectionReader(b.at, b.offset, b.size) }

// answerLimit bounds, in bytes, the documents that a server sends.
const answerLimit = 1 << 20

// call sends the request and decodes the XML of the answer into v, unless that
// is nil.
func (b *Bucket) call(ctx context.Context, r request, v any) error {
	_, err := b.callHeader(ctx, r, v)
	return err
}

func (b *Bucket) callHeader(ctx context.Context, r request, v any) (http.Header, error) {
	resp, err := b.do(ctx, r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, answerLimit))
	if err != nil || v == nil {
		return resp.Header, err
	}
	// A server that worked for long has begun with 200 before it failed.
	if failed := parseError(data, resp); failed.Code != "" {
		return nil, failed
	}
	if err := xml.Unmarshal(data, v); err != nil {
		return nil, fmt.Errorf("the answer to %s cannot be read: %w", r.method, err)
	}
	return resp.Header, nil
}

// tries is how often a request is sent in all; the pause doubles each time, unless
// the server says how long it wants to be left alone. A server that has not
// answered in patience is not asked again.
const (
	tries      = 5
	firstPause = 200 * time.Millisecond
	patience   = 3 * time.Minute
)

// do sends the request until it is answered with success, with a refusal that
// will not change, or too often. The caller closes the answer's body.
func (b *Bucket) do(ctx context.Context, r request) (*http.Response, error) {
	pause, begun := firstPause, time.Now()
	for n := 1; ; n++ {
		signed := b.signedFor()
		resp, err := b.once(ctx, r, signed)
		if err == nil {
			return resp, nil
		}
		if moved := b.moved(err, signed); n == tries || ctx.Err() != nil || !moved && !passing(err) || time.Since(begun) > patience {
			return nil, b.named(err)
		}
		wait := pause/2 + rand.N(pause)
		if refused := (*Error)(nil); errors.As(err, &refused) && refused.wait >= 0 {
			wait = refused.wait + rand.N(firstPause)
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(wait):
		}
		pause *= 2
	}
}

// named says in an error which bucket of which host it is about.
func (b *Bucket) named(err error) error {
	if transport := (*url.Error)(nil); errors.As(err, &transport) {
		err = transport.Err
	}
	return fmt.Errorf("bucket %s at %s: %w", b.conf.Name, b.conf.Endpoint, err)
}

// passing tells whether the failure may be over soon.
func passing(err error) bool {
	var e *Error
	if !errors.As(err, &e) {
		return !errors.Is(err, errPermanent)
	}
	switch e.Code {
	case "SlowDown", "RequestTimeout", "OperationAborted", "ConditionalRequestConflict":
		return true
	}
	return e.Status == http.StatusTooManyRequests || e.Status > http.StatusNotImplemented || e.Status == http.StatusInternalServerError
}

// errPermanent marks errors that were found before anything was sent.
var errPermanent = errors.New("the request cannot be made")

// signedFor is the region that requests are signed for now.
func (b *Bucket) signedFor() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.region
}

// moved notes the region in which the server says that the bucket is; true if
// the request was signed for another one. Several may have been at once.
func (b *Bucket) moved(err error, signed string) bool {
	var e *Error
	if !errors.As(err, &e) || e.Region == "" {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.region = e.Region
	return signed != e.Region
}

// once sends the request once.
func (b *Bucket) once(ctx context.Context, r request, region string) (*http.Response, error) {
	req, err := b.build(ctx, r, region)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errPermanent, err)
	}
	resp, err := b.conf.Client.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode/100 == 2 {
		return resp, nil
	}
	defer resp.Body.Close()
	data, _ := io.ReadAll(io.LimitReader(resp.Body, answerLimit))
	failed := parseError(data, resp)
	if failed.Code == "" {
		failed.Code = codeOf(resp.StatusCode, r.object)
	}
	return nil, failed
}

func (b *Bucket) build(ctx context.Context, r request, region string) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, r.method, b.url(r.object, region).String(), nil)
	if err != nil {
		return nil, err
	}
	req.URL.RawQuery = strings.ReplaceAll(r.query.Encode(), "+", "%20")
	for k, v := range r.header {
		req.Header[http.CanonicalHeaderKey(k)] = v
	}
	sum := emptySum
	if r.body != nil {
		if sum, err = b.attach(req, r.body); err != nil {
			return nil, err
		}
	}
	return req, b.sign(ctx, req, r.object, sum, region)
}

const (
	emptySum = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" // SHA-256 of nothing
	unsigned = "UNSIGNED-PAYLOAD"
)

// attach sets the body and returns what is signed for it. Where the connection
// does not protect it, that is its SHA-256; old signatures have only an MD5.
func (b *Bucket) attach(req *http.Request, c *body) (string, error) {
	sum := unsigned
	switch {
	case b.conf.OldSign:
		h := md5.New()
		if _, err := io.Copy(h, c.reader()); err != nil {
			return "", err
		}
		req.Header.Set("Content-Md5", base64.StdEncoding.EncodeToString(h.Sum(nil)))
	case !b.conf.Secure:
		h := sha256.New()
		if _, err := io.Copy(h, c.reader()); err != nil {
			return "", err
		}
		sum = hex.EncodeToString(h.Sum(nil))
	}
	req.ContentLength = c.size
	if c.size == 0 {
		return sum, nil
	}
	open := func() (io.ReadCloser, error) {
		r := c.reader()
		if c.sent != nil {
			r = c.sent(r)
		}
		return io.NopCloser(r), nil
	}
	req.GetBody = open
	req.Body, _ = open()
	return sum, nil
}

// amazon is the one service whose host depends on the region.
const amazon = "s3.amazonaws.com"

func (b *Bucket) url(object, region string) *url.URL {
	u := &url.URL{Scheme: "http", Host: b.conf.Endpoint, Path: "/"}
	if b.conf.Secure {
		u.Scheme = "https"
	}
	if u.Host == amazon && region != "" && region != homeRegion {
		u.Host = "s3." + region + ".amazonaws.com"
	}
	if b.conf.PathStyle {
		u.Path += b.conf.Name
		if object != "" {
			u.Path += "/"
		}
	} else {
		u.Host = b.conf.Name + "." + u.Host
	}
	u.Path += object
	u.RawPath = escapePath(u.Path)
	return u
}

// escapePath escapes all but what a signature leaves as it is.
func escapePath(path string) string {
	var out strings.Builder
	for i := range len(path) {
		switch c := path[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-._~/", c) >= 0:
			out.WriteByte(c)
		default:
			fmt.Fprintf(&out, "%%%02X", c)
		}
	}
	return out.String()
}
