// Package chunk splits content into chunks that other remotes keep, in
// git-annex's format, and reads content in whichever chunks, or none, it was
// stored. Which chunks there are stands in the git-annex branch.
package chunk

import (
	"context"
	"crypto/rand"
	"errors"
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

// Remote keeps content in chunks in another remote.
type Remote struct {
	remote.Keeper
	size int64 // of a chunk, in bytes; 0: new content is not split
	logs remote.Logs
	temp string
}

// New splits what is kept in inner into chunks of size bytes; 0 splits
// nothing, and only reads what was split before. Unfinished content lies in
// the folder temp, which is made if missing.
func New(inner remote.Keeper, size int64, logs remote.Logs, temp string) *Remote {
	return &Remote{inner, size, logs, temp}
}

// FromConfig reads the chunk size of a remote; 0 where it has none.
func FromConfig(s remote.Setup) (int64, error) {
	text := s.Option("chunk")
	if text == "" || text == "0" {
		return 0, nil
	}
	size, ok := remote.ParseSize(text)
	if !ok || size <= 0 {
		return 0, fmt.Errorf("remote %s: chunk=%s is no size", s.Name, text)
	}
	return size, nil
}

// Unwrap implements remote.Unwrapper.
func (r *Remote) Unwrap() remote.Remote { return r.Keeper }

// Describe implements remote.Describer.
func (r *Remote) Describe() [][2]string {
	var lines [][2]string
	if d, ok := remote.As[remote.Describer](r.Keeper); ok {
		lines = d.Describe()
	}
	if r.size > 0 {
		lines = append(lines, [2]string{"chunk size", fmt.Sprintf("%d bytes", r.size)})
	}
	return lines
}

// Addresses implements remote.Addresser: chunks have none.
func (r *Remote) Addresses(ctx context.Context, k annexkey.Key) ([]string, error) {
	a, ok := remote.As[remote.Addresser](r.Keeper)
	if !ok || r.size > 0 {
		return nil, nil
	}
	return a.Addresses(ctx, k)
}

// Size implements remote.Sizer for content that is nowhere in chunks.
func (r *Remote) Size(ctx context.Context, k annexkey.Key) (int64, bool) {
	s, ok := remote.As[remote.Sizer](r.Keeper)
	splits, err := r.splits(ctx, k)
	if !ok || err != nil || len(splits) != 1 {
		return 0, false
	}
	return s.Size(ctx, k)
}

// Store implements remote.Keeper. Chunks that an earlier, broken attempt has
// stored are not stored again.
func (r *Remote) Store(ctx context.Context, k annexkey.Key, c remote.Content) error {
	if err := k.Safe(); err != nil {
		return err
	}
	if r.size == 0 || !stable(k) {
		return r.Keeper.Store(ctx, k, c)
	}
	s := split{r.size, countOf(c.Size, r.size)}
	in, err := os.Open(c.Path)
	if err != nil {
		return err
	}
	defer in.Close()
	if fi, err := in.Stat(); err != nil || fi.Size() != c.Size {
		return errors.Join(err, fsx.ErrChanged)
	}
	done, err := r.alreadyThere(ctx, k, s)
	if err != nil {
		return err
	}
	c.Report(min(done*s.size, c.Size))
	for i := done + 1; i <= s.count; i++ {
		if err := r.storeOne(ctx, s.key(k, i), in, c, i); err != nil {
			return err
		}
	}
	return r.record(ctx, k, s.size, s.count)
}

// stable says whether the key's content is always the same, so that chunks of
// two attempts fit together.
func stable(k annexkey.Key) bool {
	b, err := annexkey.LookupBackend(k.Backend)
	return err == nil && b.Name() != "URL"
}

// alreadyThere counts the chunks from the first on that are stored.
func (r *Remote) alreadyThere(ctx context.Context, k annexkey.Key, s split) (int64, error) {
	for i := range s.count {
		ok, err := r.Keeper.Present(ctx, s.key(k, i+1))
		if err != nil || !ok {
			return i, err
		}
	}
	return s.count, nil
}

func (r *Remote) storeOne(ctx context.Context, name annexkey.Key, in *os.File, c remote.Content, i int64) error {
	tmp, err := r.tempFile()
	if err != nil {
		return err
	}
	defer os.Remove(tmp)
	start := (i - 1) * r.size
	n := min(r.size, c.Size-start)
	part := io.NewSectionReader(in, start, n)
	if err := remote.Receive(ctx, name, tmp, 0, nil, part); err != nil {
		return err
	}
	return r.Keeper.Store(ctx, name, remote.Content{Path: tmp, Size: n, Moved: c.Moved})
}

func (r *Remote) tempFile() (string, error) {
	if err := os.MkdirAll(r.temp, 0o777); err != nil {
		return "", err
	}
	return filepath.Join(r.temp, fsx.TempPrefix+strings.ToLower(rand.Text()[:16])), nil
}

// Present implements remote.Remote.
func (r *Remote) Present(ctx context.Context, k annexkey.Key) (bool, error) {
	splits, err := r.splits(ctx, k)
	if err != nil {
		return false, err
	}
	for _, s := range splits {
		n, err := r.alreadyThere(ctx, k, s)
		if err != nil || n == s.count {
			return err == nil, err
		}
	}
	return false, nil
}

// Remove implements remote.Keeper: every form in which the content may be
// there goes.
func (r *Remote) Remove(ctx context.Context, k annexkey.Key) error {
	splits, err := r.splits(ctx, k)
	if err != nil {
		return err
	}
	for _, s := range splits {
		for i := range s.count {
			if err := r.Keeper.Remove(ctx, s.key(k, i+1)); err != nil {
				return err
			}
		}
	}
	return r.forget(ctx, k)
}

// Fetch implements remote.Remote.
func (r *Remote) Fetch(ctx context.Context, k annexkey.Key, dst string, h hash.Hash) error {
	splits, err := r.splits(ctx, k)
	if err != nil {
		return err
	}
	for _, s := range splits {
		if s.whole() || s.count == 1 {
			err = r.Keeper.Fetch(ctx, s.key(k, 1), dst, h)
		} else {
			err = r.fetchChunks(ctx, k, s, dst, 0, h)
		}
		if !errors.Is(err, remote.ErrAbsent) {
			return err
		}
	}
	return remote.ErrAbsent
}

// FetchFrom implements remote.Resumer: chunks that have arrived are not fetched
// again.
func (r *Remote) FetchFrom(ctx context.Context, k annexkey.Key, dst string, offset int64, h hash.Hash) error {
	splits, err := r.splits(ctx, k)
	if err != nil {
		return err
	}
	for _, s := range splits {
		if s.whole() {
			err = r.fetchRest(ctx, k, dst, offset, h)
		} else {
			err = r.fetchChunks(ctx, k, s, dst, offset, h)
		}
		if !errors.Is(err, remote.ErrAbsent) {
			return err
		}
	}
	return remote.ErrAbsent
}

// fetchRest continues content that is not split.
func (r *Remote) fetchRest(ctx context.Context, k annexkey.Key, dst string, offset int64, h hash.Hash) error {
	if res, ok := r.Keeper.(remote.Resumer); ok {
		return res.FetchFrom(ctx, k, dst, offset, h)
	}
	return r.appendChunk(ctx, k, dst, offset, h, mostOf(ctx, k)-offset)
}

func mostOf(ctx context.Context, k annexkey.Key) int64 {
	if n, ok := remote.Bound(ctx, k); ok {
		return n
	}
	return 1 << 62
}

// fetchChunks appends the chunks after offset to dst.
func (r *Remote) fetchChunks(ctx context.Context, k annexkey.Key, s split, dst string, offset int64, h hash.Hash) (err error) {
	if offset == 0 {
		defer func() {
			if err != nil {
				os.Remove(dst)
			}
		}()
	}
	have := offset
	for i := offset/s.size + 1; i <= s.count; i++ {
		skip := have - (i-1)*s.size
		err := r.appendChunk(ctx, s.key(k, i), dst, skip, h, mostOf(ctx, k)-have)
		if errors.Is(err, remote.ErrAbsent) && i > 1 && offset == 0 {
			return fmt.Errorf("chunk %d of %d is missing", i, s.count)
		}
		if err != nil {
			return err
		}
		fi, err := os.Stat(dst)
		if err != nil {
			return err
		}
		have = fi.Size()
		if i < s.count && have != i*s.size {
			return &remote.SizeError{Key: s.key(k, i), Have: have - (i-1)*s.size, Want: s.size, All: true}
		}
	}
	if k.Size >= 0 && have < k.Size {
		return &remote.SizeError{Key: k, Have: have, Want: k.Size, All: true}
	}
	return nil
}

// appendChunk fetches one chunk and appends what follows its first skip bytes,
// at most most bytes, to dst.
func (r *Remote) appendChunk(ctx context.Context, name annexkey.Key, dst string, skip int64, h hash.Hash, most int64) error {
	tmp, err := r.tempFile()
	if err != nil {
		return err
	}
	defer os.Remove(tmp)
	if err := r.Keeper.Fetch(ctx, name, tmp, nil); err != nil {
		return err
	}
	in, err := os.Open(tmp)
	if err != nil {
		return err
	}
	defer in.Close()
	if _, err := in.Seek(skip, io.SeekStart); err != nil {
		return err
	}
	out, err := os.OpenFile(dst, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o666)
	if err != nil {
		return err
	}
	var w io.Writer = out
	if h != nil {
		w = io.MultiWriter(out, h)
	}
	n, err := io.Copy(w, io.LimitReader(in, most+1))
	if err == nil && n > most {
		err = &remote.SizeError{Key: name, Have: n, Want: most}
	}
	return errors.Join(err, out.Close())
}
