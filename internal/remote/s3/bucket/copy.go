package bucket

import (
	"context"
	"net/http"
	"strconv"
)

// Size asks for the size of the object in bytes; -1 where the server does not
// tell it.
func (b *Bucket) Size(ctx context.Context, object string) (int64, error) {
	header, err := b.callHeader(ctx, request{method: http.MethodHead, object: object}, nil)
	if err != nil {
		return 0, err
	}
	size, err := strconv.ParseInt(header.Get("Content-Length"), 10, 64)
	if err != nil {
		return -1, nil
	}
	return size, nil
}

// copied is what the server says of a copy.
type copied struct {
	ETag string
}

// Copy makes the object to of the content of from, which stays. header is that
// of Upload.
func (b *Bucket) Copy(ctx context.Context, from, to string, header map[string]string) error {
	h := http.Header{}
	for name, v := range header {
		h.Set(name, v)
	}
	h.Set("X-Amz-Copy-Source", escapePath("/"+b.conf.Name+"/"+from))
	return b.call(ctx, request{method: http.MethodPut, object: to, header: h}, &copied{})
}
