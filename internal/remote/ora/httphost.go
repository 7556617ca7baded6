package ora

import (
	"context"
	"errors"
	"hash"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/fetchurl"
)

// behindHTTP is a store that a web server shows. It can only be read, without
// archives.
type behindHTTP struct {
	client *fetchurl.Client
	temp   string
}

// escaped makes the path after the store's own address one of a URL.
func escaped(path string) string {
	scheme, rest, _ := strings.Cut(path, "://")
	parts := strings.Split(rest, "/")
	for i, p := range parts[1:] {
		parts[i+1] = url.PathEscape(p)
	}
	return scheme + "://" + strings.Join(parts, "/")
}

func (b behindHTTP) size(ctx context.Context, path string) (int64, error) {
	return b.client.Size(ctx, escaped(path))
}

func (b behindHTTP) read(ctx context.Context, path string) ([]byte, error) {
	if err := os.MkdirAll(b.temp, 0o777); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(b.temp, ".stemma-tmp-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	dst := filepath.Join(dir, "file")
	if err := b.client.Fetch(remote.WithBound(ctx, maxSmall), annexkey.New("URL", path), escaped(path), dst, 0, nil); err != nil {
		return nil, err
	}
	return os.ReadFile(dst)
}

func (b behindHTTP) fetch(ctx context.Context, k annexkey.Key, path, dst string, offset int64, h hash.Hash) error {
	return b.client.Fetch(ctx, k, escaped(path), dst, offset, h)
}

var errReadOnly = errors.New("this store can only be read: it is behind a web server")

func (behindHTTP) store(context.Context, remote.Content, string, string) error { return errReadOnly }

func (behindHTTP) remove(context.Context, string) error { return errReadOnly }

func (behindHTTP) sevenZip(context.Context, string, []string, func(io.Reader) error) error {
	return remote.ErrAbsent
}
