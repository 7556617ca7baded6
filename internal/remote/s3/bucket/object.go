package bucket

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// Info is what the server says of an object.
type Info struct {
	Size    int64  // in bytes; -1 where the server does not tell it
	ETag    string // changes with the content; without the quotes around it
	Version string // "" in a bucket that keeps none
}

const versionHeader = "X-Amz-Version-Id"

// infoOf reads the header of an answer; size is that of an object which the
// answer is not about itself.
func infoOf(header http.Header, size int64) Info {
	return Info{Size: size, ETag: bareTag(header.Get("Etag")), Version: header.Get(versionHeader)}
}

func bareTag(quoted string) string { return strings.ReplaceAll(quoted, `"`, "") }

// Stat asks for the object, or a version of it where version is not empty.
func (b *Bucket) Stat(ctx context.Context, object, version string) (Info, error) {
	header, err := b.callHeader(ctx, request{method: http.MethodHead, object: object, query: versionQuery(version)}, nil)
	if err != nil {
		return Info{}, err
	}
	size, err := strconv.ParseInt(header.Get("Content-Length"), 10, 64)
	if err != nil {
		size = -1
	}
	return infoOf(header, size), nil
}

// Condition is what has to be so for a request to be done.
type Condition func(http.Header)

// Missing is the condition that there is no such object.
func Missing(h http.Header) { h.Set("If-None-Match", "*") }

// Tagged is the condition that the object has the ETag.
func Tagged(etag string) Condition {
	return func(h http.Header) { h.Set("If-Match", `"`+etag+`"`) }
}

func (c Condition) set(h http.Header) {
	if c != nil {
		c(h)
	}
}

// GetIf opens the object, or a version of it, if the condition holds;
// ErrCondition otherwise. A server may not know conditions: Info tells what it
// sends.
func (b *Bucket) GetIf(ctx context.Context, object, version string, c Condition) (io.ReadCloser, Info, error) {
	header := http.Header{}
	c.set(header)
	resp, err := b.do(ctx, request{method: http.MethodGet, object: object, query: versionQuery(version), header: header})
	if err != nil {
		return nil, Info{}, err
	}
	return resp.Body, infoOf(resp.Header, resp.ContentLength), nil
}

// Remove removes the object; it is no error that there is none.
func (b *Bucket) Remove(ctx context.Context, object string) error {
	return b.RemoveIf(ctx, object, nil)
}

// RemoveIf removes the object if the condition holds; ErrCondition otherwise. A
// server that knows no conditions removes it in any case.
func (b *Bucket) RemoveIf(ctx context.Context, object string, c Condition) error {
	header := http.Header{}
	c.set(header)
	err := b.call(ctx, request{method: http.MethodDelete, object: object, header: header}, nil)
	if c != nil && IsCode(err, notImplemented) {
		return b.Remove(ctx, object)
	}
	return err
}

// EscapePath writes an object's name as it is written in addresses.
func EscapePath(object string) string { return escapePath(object) }
