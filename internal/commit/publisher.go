package commit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// Publisher publishes batches in one repository. Any number may work at once,
// in any number of processes and on any number of hosts.
type Publisher struct {
	Repo  *git.Repo
	Annex *annex.Annex // nil: a repository without annex
	// IndexWait is how long a foreign index.lock is waited for.
	IndexWait time.Duration
	// LeaseWait is how long other writers are waited for.
	LeaseWait time.Duration
	// Waiting is told, once, when other writers are waited for long; nil:
	// nobody is.
	Waiting func(message string)
	// Closer is told of commits that are published, by their tags. It is
	// called under the lease, and again after a crash; it must be idempotent.
	Closer func(ctx context.Context, done map[int64]gitobj.OID) error
	// Mark is added to what reflogs say.
	Mark string
	// Now is the clock for commits; nil means time.Now.
	Now func() time.Time
}

// Defaults for the waiting times.
const (
	DefaultIndexWait = 30 * time.Second
	DefaultLeaseWait = 10 * time.Minute
)

// StateDir is where this program keeps its own files in a repository.
func StateDir(repo *git.Repo) string { return filepath.Join(repo.CommonDir, "stemma") }

// Lock takes the lease under which all writers of the repository queue and
// completes what a killed predecessor left unfinished. The caller releases
// it.
func (p *Publisher) Lock(ctx context.Context, purpose string) (*fsx.Lease, error) {
	dir := StateDir(p.Repo)
	if err := p.Repo.MakeShared(dir); err != nil {
		return nil, fmt.Errorf("take the lease: %w", err)
	}
	wait := p.LeaseWait
	if wait == 0 {
		wait = DefaultLeaseWait
	}
	lease, err := fsx.AcquireLease(ctx, filepath.Join(dir, "lease"), fsx.LeaseOptions{Wait: wait, Purpose: purpose, Share: p.Repo.SharedMode(), Notice: p.notice()})
	if err != nil {
		return nil, err
	}
	if err := p.recover(ctx); err != nil {
		return nil, errors.Join(err, lease.Release())
	}
	return lease, nil
}

// notice is what Waiting is told of a lease.
func (p *Publisher) notice() func(*fsx.HeldError) {
	if p.Waiting == nil {
		return nil
	}
	return func(held *fsx.HeldError) {
		text := "waiting for other writers: " + held.Error()
		if held.Holder.Fate() == fsx.Unknown {
			text += "; whether it lives cannot be seen from here: if it is silent for a minute, it is passed over"
		}
		p.Waiting(text)
	}
}

// Publish makes the commits and moves the refs. On success everything is
// durable. On error nothing is published, unless the error says so.
func (p *Publisher) Publish(ctx context.Context, req Request) (Result, error) {
	w := p.Repo.WriteObjects(ctx)
	defer w.Abort()
	if err := writeBlobs(w, req.Commits); err != nil {
		return Result{}, err
	}
	if err := errors.Join(p.keepMessage(ctx, &req), p.preCommit(ctx, &req), p.editMessage(ctx, &req)); err != nil {
		return Result{}, err
	}
	lease, err := p.Lock(ctx, req.Reason)
	if err != nil {
		return Result{}, err
	}
	res, err := p.publishLocked(ctx, lease, w, req)
	if rerr := lease.Release(); err == nil && rerr != nil {
		err = fmt.Errorf("published, but: %w", rerr)
	}
	if err != nil {
		return Result{}, err
	}
	p.postCommit(ctx, req, res)
	p.maintain(ctx)
	return res, nil
}

// writeBlobs stores every content that git does not have and fills in OID.
func writeBlobs(w *git.ObjectWriter, commits []Commit) error {
	for i := range commits {
		for j := range commits[i].Files {
			f := &commits[i].Files[j]
			if f.Remove || f.OID != "" {
				continue
			}
			var err error
			if f.Source == "" {
				f.OID, err = w.WriteBlob(f.Data)
			} else {
				f.OID, err = blobFrom(w, f)
			}
			if err != nil {
				return fmt.Errorf("store %s: %w", f.Path, err)
			}
		}
	}
	return nil
}

func blobFrom(w *git.ObjectWriter, f *File) (gitobj.OID, error) {
	src, err := os.Open(f.Source)
	if err != nil {
		return "", err
	}
	defer src.Close()
	id, err := w.WriteBlobFrom(src, f.Size)
	if err != nil {
		return "", err
	}
	if fi, err := src.Stat(); err != nil || f.Stat != (gitindex.Stat{}) && gitindex.StatOf(fi) != f.Stat {
		return "", &annex.ChangedError{Path: f.Source}
	}
	return id, nil
}

// attempts bounds how often a foreign git may be faster.
const attempts = 20

// publishLocked runs under the lease. Only a git that does not know the lease
// can move HEAD meanwhile; then everything is computed again on the new tip.
func (p *Publisher) publishLocked(ctx context.Context, lease *fsx.Lease, w *git.ObjectWriter, req Request) (Result, error) {
	dropped, err := req.confirm(ctx)
	if err != nil {
		return Result{}, err
	}
	var busy indexQueue
	for try := 0; ; try++ {
		if w == nil {
			w = p.Repo.WriteObjects(ctx)
		}
		res, err := p.attempt(ctx, lease, w, req, dropped)
		w.Abort()
		w = nil
		switch {
		case errors.Is(err, errIndexBusy):
			if werr := busy.wait(ctx, p); werr != nil {
				return res, werr
			}
			try-- // the wait has its own limit
		case err == nil || !errors.Is(err, errMoved) || try == attempts:
			return res, err
		}
	}
}

// confirm asks whether all commits are still wanted, and returns those that are
// not. Whatever Confirm looks at can change under the lease only, which is
// checked again right before the refs move.
func (r *Request) confirm(ctx context.Context) (dropped map[int]bool, err error) {
	if r.Confirm == nil {
		return nil, nil
	}
	err = r.Confirm(ctx)
	var drop *DropError
	if !errors.As(err, &drop) {
		return nil, err
	}
	dropped = map[int]bool{}
	for _, i := range drop.Commits {
		dropped[i] = true
	}
	return dropped, nil
}

// errMoved says that a ref moved between reading and writing.
var errMoved = errors.New("the branch moved")

// attempt publishes on the tips as they are now.
func (p *Publisher) attempt(ctx context.Context, lease *fsx.Lease, w *git.ObjectWriter, req Request, dropped map[int]bool) (Result, error) {
	head, err := p.Repo.Head(ctx)
	if err != nil {
		return Result{}, err
	}
	if req.OnBranch != "" && req.OnBranch != head.Ref {
		return Result{}, &WrongBranchError{Want: req.OnBranch, Have: headName(head)}
	}
	if req.Onto != "" && req.Onto != head.OID {
		return Result{}, fmt.Errorf("%w: expected %s, found %s", errMoved, req.Onto.Short(), head.OID.Short())
	}
	b := &builder{p: p, writer: w, req: req, head: head, dropped: dropped}
	if err := b.build(ctx); err != nil {
		b.close()
		return Result{}, err
	}
	defer b.close()
	if err := lease.Check(); err != nil {
		return Result{}, err
	}
	if len(b.moves) == 0 {
		return b.res, p.done(ctx, b.tags())
	}
	return b.res, p.move(ctx, lease, b)
}

func headName(h git.Head) string {
	if h.Ref == "" {
		return "a detached HEAD"
	}
	return h.Ref
}

func (p *Publisher) now() time.Time {
	if p.Now != nil {
		return p.Now()
	}
	return time.Now()
}

func (p *Publisher) done(ctx context.Context, tags map[int64]gitobj.OID) error {
	if len(tags) == 0 || p.Closer == nil {
		return nil
	}
	return p.Closer(ctx, tags)
}
