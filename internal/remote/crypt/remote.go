package crypt

import (
	"context"
	"crypto/rand"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/remote"
)

// Remote keeps content encrypted in another remote.
type Remote struct {
	remote.Keeper
	cipher *Cipher
	temp   string
}

// New encrypts what is kept in inner. Unfinished content lies in the folder
// temp, which is made if missing.
func New(inner remote.Keeper, c *Cipher, temp string) *Remote { return &Remote{inner, c, temp} }

// Unwrap implements remote.Unwrapper.
func (r *Remote) Unwrap() remote.Remote { return r.Keeper }

// Addresses implements remote.Addresser: nobody could read what lies there.
func (r *Remote) Addresses(context.Context, annexkey.Key) ([]string, error) { return nil, nil }

// Describe implements remote.Describer.
func (r *Remote) Describe() [][2]string {
	lines := [][2]string{{"encryption", string(r.cipher.scheme)}}
	if d, ok := remote.As[remote.Describer](r.Keeper); ok {
		lines = append(d.Describe(), lines...)
	}
	return lines
}

// name is where the content lies below.
func (r *Remote) name(ctx context.Context, k annexkey.Key) (annexkey.Key, error) {
	if err := k.Safe(); err != nil {
		return annexkey.Key{}, err
	}
	return r.cipher.Name(ctx, k)
}

// Present implements remote.Remote.
func (r *Remote) Present(ctx context.Context, k annexkey.Key) (bool, error) {
	name, err := r.name(ctx, k)
	if err != nil {
		return false, err
	}
	return r.Keeper.Present(ctx, name)
}

// Size implements remote.Sizer: what is kept has another size.
func (r *Remote) Size(context.Context, annexkey.Key) (int64, bool) { return 0, false }

// Remove implements remote.Keeper.
func (r *Remote) Remove(ctx context.Context, k annexkey.Key) error {
	name, err := r.name(ctx, k)
	if err != nil {
		return err
	}
	return r.Keeper.Remove(ctx, name)
}

// Fetch implements remote.Remote.
func (r *Remote) Fetch(ctx context.Context, k annexkey.Key, dst string, h hash.Hash) error {
	name, err := r.name(ctx, k)
	if err != nil {
		return err
	}
	tmp, err := r.tempFile()
	if err != nil {
		return err
	}
	defer os.Remove(tmp)
	if err := r.Keeper.Fetch(r.bound(ctx, k), name, tmp, nil); err != nil {
		return err
	}
	f, err := os.Open(tmp)
	if err != nil {
		return err
	}
	defer f.Close()
	err = r.cipher.Open(ctx, f, func(plain io.Reader) error {
		return remote.Receive(ctx, k, dst, 0, h, plain)
	})
	if err != nil {
		os.Remove(dst)
	}
	return err
}

// bound limits what is taken from a remote that sends without an end: the
// content, what encryption adds to it, and some room.
func (r *Remote) bound(ctx context.Context, k annexkey.Key) context.Context {
	const room, share = 64 << 10, 64
	if n, ok := remote.Bound(ctx, k); ok {
		return remote.WithBound(ctx, n+n/share+room)
	}
	return ctx
}

func (r *Remote) tempFile() (string, error) {
	if err := os.MkdirAll(r.temp, 0o777); err != nil {
		return "", err
	}
	return filepath.Join(r.temp, fsx.TempPrefix+strings.ToLower(rand.Text()[:16])), nil
}

// Store implements remote.Keeper.
func (r *Remote) Store(ctx context.Context, k annexkey.Key, c remote.Content) error {
	name, err := r.name(ctx, k)
	if err != nil {
		return err
	}
	tmp, err := r.tempFile()
	if err != nil {
		return err
	}
	defer os.Remove(tmp)
	size, err := r.seal(ctx, tmp, c)
	if err != nil {
		return fmt.Errorf("encrypt: %w", err)
	}
	if err := r.Keeper.Store(ctx, name, remote.Content{Path: tmp, Size: size, Moved: scaled(c, size)}); err != nil {
		return err
	}
	return nil
}

// seal encrypts the content into tmp and returns the size of that.
func (r *Remote) seal(ctx context.Context, tmp string, c remote.Content) (int64, error) {
	in, err := os.Open(c.Path)
	if err != nil {
		return 0, err
	}
	defer in.Close()
	out, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666) // some remotes keep the permissions
	if err != nil {
		return 0, err
	}
	defer out.Close()
	counted := &counter{ctx: ctx, r: in}
	if err := r.cipher.Seal(ctx, out, counted); err != nil {
		return 0, err
	}
	if counted.n != c.Size {
		return 0, fsx.ErrChanged
	}
	fi, err := out.Stat()
	if err != nil {
		return 0, err
	}
	return fi.Size(), out.Close()
}

// scaled turns progress in encrypted bytes into that of the content.
func scaled(c remote.Content, size int64) func(int64) {
	if c.Moved == nil {
		return nil
	}
	var sealed, told int64
	return func(n int64) {
		sealed += n
		now := int64(float64(c.Size) * float64(sealed) / float64(max(size, 1)))
		c.Report(now - told)
		told = now
	}
}

// counter counts what is read, and ends with the context.
type counter struct {
	ctx context.Context
	r   io.Reader
	n   int64
}

func (c *counter) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}
