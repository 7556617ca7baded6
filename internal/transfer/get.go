// Package transfer moves content between the annex and remotes safely: what
// comes in is verified before anybody can see it, what breaks off is continued,
// and what goes out is deleted only while enough other copies are proven to
// exist. It knows keys and remotes; files, records and the git-annex branch are
// its callers' business.
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
	"sync"
	"syscall"
	"time"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/remote"
)

// Getter brings content into an annex. It is safe for concurrent use.
type Getter struct {
	Annex *annex.Annex
	// SecureOnly refuses keys whose hash can be forged
	// (annex.securehashesonly).
	SecureOnly bool
	// Retry is how often all sources are tried again after a failure
	// (annex.retry), with growing pauses that begin with RetryDelay. An attempt
	// that has brought some of the content is followed by another one anyhow.
	Retry      int
	RetryDelay time.Duration // 0: a second
	// Stall is how long a source may deliver nothing (annex.stalldetection); 0:
	// remote.DefaultStall, for those of which that can be told.
	Stall    time.Duration
	Progress Progress // nil: nobody wants to know
	// Room is asked before anything is fetched; nil refuses nothing.
	Room *remote.Room

	folder sync.Once // the one for unfinished content has been made
}

// forwardRetries bounds attempts that follow one which brought something,
// git-annex's annex.forward-retry.
const forwardRetries = 5

// Attempt is one remote that could not serve, and why.
type Attempt struct {
	Remote string
	Err    error
}

// UnavailableError says that no remote could provide the content.
type UnavailableError struct {
	Key    annexkey.Key
	Failed []Attempt
	Absent []string // remotes that just do not have it; the text leaves them out
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
// returns that remote; nil if another process was faster. A large transfer that
// breaks off is continued, by the next remote, the next attempt or the next
// process. Nothing is durable before annex.SyncObjects. Errors:
// *UnavailableError, or one that concerns this machine (a full disk).
func (g *Getter) Get(ctx context.Context, k annexkey.Key, sources []remote.Remote) (remote.Remote, error) {
	if err := g.acceptable(k); err != nil {
		return nil, err
	}
	sources, placers := split(sources)
	if len(placers) == 0 {
		return g.fetch(ctx, k, sources)
	}
	failed := &UnavailableError{Key: k}
	r, err := g.fetch(ctx, k, sources)
	if !errors.As(err, &failed) {
		return r, err
	}
	return g.placed(ctx, k, placers, failed)
}

// split tells remotes that hand content out from those that place it.
func split(sources []remote.Remote) (ordinary []remote.Remote, placers []remote.Placer) {
	for _, r := range sources {
		if p, ok := remote.As[remote.Placer](r); ok {
			placers = append(placers, p)
		} else {
			ordinary = append(ordinary, r)
		}
	}
	return ordinary, placers
}

// placed lets remotes bring the content that serve in no other way.
func (g *Getter) placed(ctx context.Context, k annexkey.Key, placers []remote.Placer, failed *UnavailableError) (remote.Remote, error) {
	for _, p := range placers {
		m := begin(g.Progress, k, p)
		err := p.Place(ctx, k)
		m.End(err)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil:
			failed.Failed = append(failed.Failed, Attempt{p.Name(), err})
		case g.Annex.Has(k):
			return p, nil
		}
	}
	return nil, failed
}

// fetch brings the content by our own means.
func (g *Getter) fetch(ctx context.Context, k annexkey.Key, sources []remote.Remote) (remote.Remote, error) {
	if len(sources) == 0 {
		return nil, &UnavailableError{Key: k}
	}
	if k.Size >= 0 && k.Size < resumeFrom {
		done, err := g.Room.Take(k.Size)
		if err != nil {
			return nil, err
		}
		defer done()
		return g.rounds(ctx, k, sources, nil)
	}
	b, err := g.arrive(ctx, k, sources[0])
	if b == nil || err != nil {
		return nil, err
	}
	defer b.end()
	done, err := g.Room.Take(b.missing())
	if err != nil {
		return nil, err
	}
	defer done()
	return g.rounds(ctx, k, sources, b)
}

// rounds asks all sources, and again as long as that promises anything.
func (g *Getter) rounds(ctx context.Context, k annexkey.Key, sources []remote.Remote, b *arriving) (remote.Remote, error) {
	pause := g.RetryDelay
	if pause <= 0 {
		pause = time.Second
	}
	for retries, forward := 0, 0; ; {
		before := b.progress()
		r, err := g.round(ctx, k, sources, b)
		var unavailable *UnavailableError
		if err == nil || !errors.As(err, &unavailable) || len(unavailable.Failed) == 0 {
			return r, err
		}
		switch {
		case b.progress() > before && forward < forwardRetries:
			forward++
		case retries < g.Retry:
			retries++
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(pause):
			}
			pause *= 2
		default:
			return nil, err
		}
	}
}

// progress is how much has come; of a small file it is not known.
func (b *arriving) progress() int64 {
	if b == nil {
		return 0
	}
	return b.have
}

// missing is how much is still to come; less than 0 where that is not known.
func (b *arriving) missing() int64 {
	if b.key.Size < 0 {
		return -1
	}
	return max(b.key.Size-b.have, 0)
}

func (g *Getter) round(ctx context.Context, k annexkey.Key, sources []remote.Remote, b *arriving) (remote.Remote, error) {
	failed := &UnavailableError{Key: k}
	for _, r := range sources {
		err := g.attempt(ctx, k, r, b)
		if err == nil {
			return r, nil
		}
		if ctx.Err() != nil || ownFault(err) {
			return nil, err
		}
		if errors.Is(err, remote.ErrAbsent) {
			failed.Absent = append(failed.Absent, r.Name())
		} else {
			failed.Failed = append(failed.Failed, Attempt{r.Name(), err})
		}
	}
	return nil, failed
}

func (g *Getter) attempt(ctx context.Context, k annexkey.Key, r remote.Remote, b *arriving) error {
	if b != nil {
		return b.from(ctx, r)
	}
	return g.from(ctx, k, r)
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

func (g *Getter) temp() string {
	return g.Annex.Dir("tmp", fsx.TempPrefix+strings.ToLower(rand.Text()[:16]))
}

// from fetches a small file into a private one, verifies, and stores.
func (g *Getter) from(ctx context.Context, k annexkey.Key, r remote.Remote) error {
	// What a remote's own program says where the folder is missing, nobody knows.
	g.folder.Do(func() { _ = g.Annex.Repo.MakeShared(g.Annex.Dir("tmp")) })
	tmp := g.temp()
	h, _ := k.Hasher()
	err := g.fetchInto(ctx, k, r, tmp, h)
	if errors.Is(err, fs.ErrNotExist) {
		if err = g.Annex.Repo.MakeShared(g.Annex.Dir("tmp")); err == nil {
			h, _ = k.Hasher()
			err = g.fetchInto(ctx, k, r, tmp, h)
		}
	}
	if err != nil {
		return err
	}
	if _, err = verify(k, tmp, h); err == nil {
		err = g.keep(tmp, k)
	}
	if err != nil {
		os.Remove(tmp)
	}
	return err
}

// fetchInto brings all of the content into the file tmp, or leaves nothing.
func (g *Getter) fetchInto(ctx context.Context, k annexkey.Key, r remote.Remote, tmp string, h hash.Hash) error {
	w := newWatch(ctx, k, r, g.Stall, begin(g.Progress, k, r))
	w.start(tmp, 0)
	err := w.end(r.Fetch(w.ctx, k, tmp, counted{h, w}))
	w.meter.End(err)
	if err != nil {
		os.Remove(tmp)
	}
	return err
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

func (g *Getter) keep(tmp string, k annexkey.Key) error {
	var err error
	for range keepTries {
		err = g.Annex.Adopt(tmp, k)
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
			return err
		}
	}
	return err
}
