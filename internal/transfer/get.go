// Package transfer moves content between the annex and remotes safely: what
// comes in is verified before anybody can see it, and what goes out is deleted
// only while enough other copies are proven to exist. It knows keys and
// remotes; files, records and the git-annex branch are its callers' business.
package transfer

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/remote"
)

// Getter brings content into an annex.
type Getter struct {
	Annex *annex.Annex
	// SecureOnly refuses keys whose hash can be forged
	// (annex.securehashesonly).
	SecureOnly bool
}

// Attempt is one remote that could not serve, and why.
type Attempt struct {
	Remote string
	Err    error
}

// UnavailableError says that no remote could provide the content. Remotes that
// just do not have it are not listed.
type UnavailableError struct {
	Key    annexkey.Key
	Failed []Attempt
}

func (e *UnavailableError) Error() string {
	text := "not available"
	for _, a := range e.Failed {
		text += fmt.Sprintf("; %s: %v", a.Remote, a.Err)
	}
	return text
}

// DamagedError says that a remote's content is not what the key stands for.
type DamagedError struct{ Key annexkey.Key }

func (e *DamagedError) Error() string {
	return "its content is damaged (verification failed) and was refused"
}

// Get fetches the content from the first remote that has it intact, and
// returns that remote. Nothing is durable before annex.SyncObjects. Errors:
// *UnavailableError, or one that concerns this machine (a full disk).
func (g *Getter) Get(ctx context.Context, k annexkey.Key, sources []remote.Remote) (remote.Remote, error) {
	if err := g.acceptable(k); err != nil {
		return nil, err
	}
	failed := &UnavailableError{Key: k}
	for _, r := range sources {
		err := g.from(ctx, k, r)
		if err == nil {
			return r, nil
		}
		if ctx.Err() != nil || ownFault(err) {
			return nil, err
		}
		if !errors.Is(err, remote.ErrAbsent) {
			failed.Failed = append(failed.Failed, Attempt{r.Name(), err})
		}
	}
	return nil, failed
}

func (g *Getter) acceptable(k annexkey.Key) error {
	if err := k.Safe(); err != nil {
		return err
	}
	if b, err := annexkey.LookupBackend(k.Backend); g.SecureOnly && (err != nil || !b.Secure()) {
		return fmt.Errorf("annex.securehashesonly is set and the hash of %s is not secure", k)
	}
	return nil
}

// ownFault tells trouble of this machine from that of a remote.
func ownFault(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EROFS)
}

// from fetches into a private file, verifies, and stores.
func (g *Getter) from(ctx context.Context, k annexkey.Key, r remote.Remote) error {
	tmp := g.Annex.Dir("tmp", fsx.TempPrefix+strings.ToLower(rand.Text()[:16]))
	fi, err := fetch(ctx, k, r, tmp)
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.MkdirAll(g.Annex.Dir("tmp"), 0o777); err == nil {
			fi, err = fetch(ctx, k, r, tmp)
		}
	}
	if err != nil {
		return err
	}
	defer os.Remove(tmp)
	return g.keep(ctx, k, tmp, fi)
}

// fetch leaves verified content in tmp, or nothing.
func fetch(ctx context.Context, k annexkey.Key, r remote.Remote, tmp string) (fs.FileInfo, error) {
	h, _ := k.Hasher()
	if h != nil && k.Size >= pipeFrom {
		p := newPipeHash(h)
		defer p.stop()
		h = p
	}
	if err := r.Fetch(ctx, k, tmp, h); err != nil {
		return nil, err
	}
	fi, err := verify(k, tmp, h)
	if err != nil {
		os.Remove(tmp)
	}
	return fi, err
}

func verify(k annexkey.Key, path string, h hash.Hash) (fs.FileInfo, error) {
	fi, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if k.Size >= 0 && fi.Size() != k.Size || h != nil && !k.Verify(h.Sum(nil)) {
		return nil, &DamagedError{k}
	}
	return fi, nil
}

// keepTries bounds how often another process may remove or protect the key's
// folder between two steps of ours.
const keepTries = 5

func (g *Getter) keep(ctx context.Context, k annexkey.Key, tmp string, fi fs.FileInfo) error {
	var err error
	for range keepTries {
		err = g.Annex.Keep(ctx, tmp, fi, k)
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
			return err
		}
	}
	return err
}

// leftoverAge is how old a temporary file must be to belong to a process that
// was killed.
const leftoverAge = 24 * time.Hour

// Sweep removes temporary files that killed processes left in the annex.
func (g *Getter) Sweep(now time.Time) {
	entries, err := os.ReadDir(g.Annex.Dir("tmp"))
	if err != nil {
		return
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), fsx.TempPrefix) {
			continue
		}
		path := g.Annex.Dir("tmp", e.Name())
		if changed, ok := changeTime(path); ok && now.Sub(changed) > leftoverAge {
			os.Remove(path)
		}
	}
}

// changeTime is when the file's inode was last touched; the modification time
// will not do, since copies get that of their source.
func changeTime(path string) (time.Time, bool) {
	fi, err := os.Lstat(path)
	if err != nil {
		return time.Time{}, false
	}
	st := gitStat(fi)
	return time.Unix(int64(st.Sec), int64(st.Nsec)), true
}
