package annexcmd

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/remote"
)

// Trial is one thing that was tried with a remote. Err is nil if it went well.
type Trial struct {
	Group, Name string
	Err         error
}

// trials tries a remote with contents of random bytes.
type trials struct {
	s     *Session
	opt   TestRemoteOptions
	tell  func(Trial)
	group string
	dir   string // for contents
}

func (s *Session) newTrials(opt TestRemoteOptions, tell func(Trial)) (*trials, error) {
	if err := os.MkdirAll(s.D.Annex.Dir("tmp"), 0o777); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(s.D.Annex.Dir("tmp"), fsx.TempPrefix+"testremote-")
	return &trials{s: s, opt: opt, tell: tell, dir: dir}, err
}

func (t *trials) clear() { os.RemoveAll(t.dir) }

// sizes are the lengths of the contents, in git-annex's order.
func (t *trials) sizes() []int64 {
	n := t.opt.Size
	list := []int64{n, n + 1, n - 1, n * 2}
	if t.s.Fast {
		list = []int64{n, n - 1}
	}
	var positive []int64
	for _, n := range list {
		if n > 0 {
			positive = append(positive, n)
		}
	}
	return positive
}

// sample is content with its key.
type sample struct {
	key  annexkey.Key
	path string
}

// testName ends the names of keys that are for tests, as git-annex has them.
const testName = ".this-is-a-test-key"

func (t *trials) sample(size int64) (sample, error) {
	path := filepath.Join(t.dir, "sample")
	f, err := os.Create(path)
	if err != nil {
		return sample{}, err
	}
	h := sha256.New()
	_, err = io.CopyN(io.MultiWriter(f, h), rand.Reader, size)
	k := annexkey.New("SHA256E", hex.EncodeToString(h.Sum(nil))+testName)
	k.Size = size
	return sample{k, path}, errors.Join(err, f.Close())
}

// variant tries one configuration with contents of all lengths.
func (t *trials) variant(ctx context.Context, v variant) error {
	for _, size := range t.sizes() {
		t.group = fmt.Sprintf("key size %d; %s", size, v.name)
		r, err := v.open(ctx)
		if err != nil {
			t.tell(Trial{t.group, "open", err})
			return ctx.Err()
		}
		c, err := t.sample(size)
		if err != nil {
			return err
		}
		keeper := r.(remote.Keeper)
		t.keeping(ctx, keeper, c)
		if ctx.Err() != nil { // nothing of ours stays there
			return errors.Join(ctx.Err(), keeper.Remove(context.WithoutCancel(ctx), c.key))
		}
	}
	return nil
}

// keeping stores the content, gets it back and removes it.
func (t *trials) keeping(ctx context.Context, r remote.Keeper, c sample) {
	store := func() error {
		return r.Store(ctx, c.key, remote.Content{Path: c.path, Size: c.key.Size})
	}
	remove := func() error { return r.Remove(ctx, c.key) }
	t.try(ctx, "removeKey when not present", remove)
	t.present(ctx, r, c.key, false)
	t.try(ctx, "storeKey", store)
	t.present(ctx, r, c.key, true)
	t.try(ctx, "storeKey when already present", store)
	t.present(ctx, r, c.key, true)
	t.retrieve(ctx, r, c.key)
	t.resume(ctx, r, c, "0", 0)
	t.resume(ctx, r, c, "33%", c.key.Size/3)
	t.resume(ctx, r, c, "end", c.key.Size)
	t.try(ctx, "removeKey when present", remove)
	t.present(ctx, r, c.key, false)
}

// try tells how a trial went; after an interrupt it tries nothing.
func (t *trials) try(ctx context.Context, name string, do func() error) {
	if ctx.Err() == nil {
		t.tell(Trial{t.group, name, do()})
	}
}

func (t *trials) present(ctx context.Context, r remote.Remote, k annexkey.Key, want bool) {
	word := map[bool]string{true: "True", false: "False"}
	t.try(ctx, "present "+word[want], func() error {
		got, err := r.Present(ctx, k)
		if err == nil && got != want {
			err = errors.New("present " + word[got])
		}
		return err
	})
}

// retrieve fetches all of the content and verifies it.
func (t *trials) retrieve(ctx context.Context, r remote.Remote, k annexkey.Key) {
	dst := filepath.Join(t.dir, "got")
	defer os.Remove(dst)
	t.try(ctx, "retrieveKeyFile", func() error { return r.Fetch(ctx, k, dst, nil) })
	t.verified(ctx, dst, k)
}

func (t *trials) verified(ctx context.Context, path string, k annexkey.Key) {
	t.try(ctx, "fsck downloaded object", func() error {
		same, err := t.s.D.SameContent(ctx, path, k)
		if err == nil && !same {
			err = errors.New("other content")
		}
		return err
	})
}

// resume fetches what is missing of a file that has the first bytes already.
func (t *trials) resume(ctx context.Context, r remote.Remote, c sample, where string, offset int64) {
	dst := filepath.Join(t.dir, "got")
	defer os.Remove(dst)
	t.try(ctx, "retrieveKeyFile resume from "+where, func() error {
		resumer, ok := remote.As[remote.Resumer](r)
		if !ok {
			return r.Fetch(ctx, c.key, dst, nil)
		}
		if err := copyHead(dst, c.path, offset); err != nil || offset == c.key.Size {
			return err // what is complete is not asked for
		}
		return resumer.FetchFrom(ctx, c.key, dst, offset, nil)
	})
	t.verified(ctx, dst, c.key)
}

func copyHead(dst, src string, n int64) error {
	in, err := os.Open(src)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(dst)
	if err != nil {
		return err
	}
	_, err = io.CopyN(out, in, n)
	return errors.Join(err, out.Close())
}

// readOnly tries to get the content of a file that the remote has.
func (t *trials) readOnly(ctx context.Context, r remote.Remote) error {
	f, ok, err := t.s.FileOf(ctx, t.opt.ReadOnly)
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("%s is not an annexed file", strings.TrimSpace(t.opt.ReadOnly))
	}
	t.present(ctx, r, f.Key, true)
	t.retrieve(ctx, r, f.Key)
	return nil
}
