package bucket

import (
	"context"
	"net/http"
)

// copied is what the server says of a copy.
type copied struct {
	ETag string
}

// Copy makes the object to of the content of from, which stays, and returns the
// version that it has. header is that of Upload.
func (b *Bucket) Copy(ctx context.Context, from, to string, header map[string]string) (version string, err error) {
	h := http.Header{}
	for name, v := range header {
		h.Set(name, v)
	}
	h.Set("X-Amz-Copy-Source", escapePath("/"+b.conf.Name+"/"+from))
	answer, err := b.callHeader(ctx, request{method: http.MethodPut, object: to, header: h}, &copied{})
	return answer.Get(versionHeader), err
}
