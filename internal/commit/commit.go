// Package commit is the one path by which results become history: objects are
// made durable, then the branch and the git-annex branch move together, then
// the index follows, so that a kill at any moment loses nothing and a repeated
// command completes the work. save, run and finish all publish through it.
// It does not decide what belongs into a commit.
package commit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// File is one change of a commit's tree and of the index.
type File struct {
	Path   string // relative to the top, slash separated
	Remove bool
	Mode   gitobj.Mode
	OID    gitobj.OID // of an object that git has; or else
	Data   []byte     // the blob's content; or else
	Source string     // a file to read the content from, absolute
	Size   int64      // of Source, in bytes
	// Stat is the state of the work tree file that the blob was made from;
	// the zero Stat makes git compare contents once.
	Stat gitindex.Stat
}

// Commit is one commit to make.
type Commit struct {
	Message string // passed through git's default cleanup already
	Files   []File
	// AllowEmpty makes the commit even if its tree equals the parent's.
	AllowEmpty bool
	// Parents, if given, replace the branch tip as parents, in this order; the
	// last one must be the tip, and gives the tree.
	Parents []gitobj.OID
	// Amend replaces the commit Onto of the request, which must be the tip:
	// its parents and author stay, and its message where Message is "".
	Amend bool
	// Tag names the commit to Publisher.Closer; 0 is not reported.
	Tag int64
}

// Shape says how the commits of a request hang together.
type Shape int

// The shapes of history that finish offers.
const (
	Chain    Shape = iota // one after the other on the branch
	Branches              // each on a branch of its own, from the tip
	Octopus               // each from the tip, then one merge of all on the branch
)

// Request is a batch that is published as a whole.
type Request struct {
	Commits []Commit
	Shape   Shape
	// BranchOf names the branch of commit i for Branches (full ref name).
	BranchOf func(i int) string
	// MergeMessage is the message of the Octopus merge.
	MergeMessage string
	// Logs are edits of the git-annex branch.
	Logs []annex.LogEdit
	// Reason goes into the reflogs ("stemma finish: job 12").
	Reason string
	// Hooks runs the user's commit hooks and signs the commit if git is
	// configured so; only for requests of one commit.
	Hooks bool
	// OnBranch, if not empty, is the branch (full ref) that must be checked
	// out; another one is a *WrongBranchError.
	OnBranch string
	// Onto, if not empty, must still be the tip: a *MovedError otherwise.
	Onto gitobj.OID
}

// WrongBranchError says that another branch is checked out than the one the
// work belongs to.
type WrongBranchError struct{ Want, Have string }

func (e *WrongBranchError) Error() string {
	return fmt.Sprintf("the work belongs to branch %s, but %s is checked out", e.Want, e.Have)
}

// Result tells what was published.
type Result struct {
	Commits []gitobj.OID // per commit of the request; "" where none was needed
	Changed []bool       // whether the tree changed, per commit
	Tip     gitobj.OID   // the branch afterwards
}

// Publisher publishes batches in one repository. Any number may work at once,
// in any number of processes and on any number of hosts.
type Publisher struct {
	Repo  *git.Repo
	Annex *annex.Annex // nil: a repository without annex
	// IndexWait is how long a foreign index.lock is waited for.
	IndexWait time.Duration
	// LeaseWait is how long other writers are waited for.
	LeaseWait time.Duration
	// Closer is told of commits that are published, by their tags. It is
	// called under the lease, and again after a crash; it must be idempotent.
	Closer func(ctx context.Context, done map[int64]gitobj.OID) error
	// Now is the clock for commits; nil means time.Now.
	Now func() time.Time

	mu sync.Mutex
	im *git.Import // started early, for ReadLog; the next Publish takes it
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
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("take the lease: %w", err)
	}
	wait := p.LeaseWait
	if wait == 0 {
		wait = DefaultLeaseWait
	}
	lease, err := fsx.AcquireLease(ctx, filepath.Join(dir, "lease"), fsx.LeaseOptions{Wait: wait, Purpose: purpose})
	if err != nil {
		return nil, err
	}
	if err := p.recover(ctx); err != nil {
		return nil, errors.Join(err, lease.Release())
	}
	return lease, nil
}

// Publish makes the commits and moves the refs. On success everything is
// durable. On error nothing is published, unless the error says so.
func (p *Publisher) Publish(ctx context.Context, req Request) (Result, error) {
	im, err := p.takeImport(ctx)
	if err != nil {
		return Result{}, err
	}
	defer im.Abort()
	if err := writeBlobs(im, req.Commits); err != nil {
		return Result{}, err
	}
	if err := errors.Join(p.keepMessage(ctx, &req), p.preCommit(ctx, &req), p.editMessage(ctx, &req)); err != nil {
		return Result{}, err
	}
	lease, err := p.Lock(ctx, req.Reason)
	if err != nil {
		return Result{}, err
	}
	res, err := p.publishLocked(ctx, lease, im, req)
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

// takeImport hands over the process that ReadLog started, or a new one.
func (p *Publisher) takeImport(ctx context.Context) (*git.Import, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	im := p.im
	p.im = nil
	if im != nil {
		return im, nil
	}
	return p.Repo.StartImport(ctx)
}

// ReadLog returns the effective content of a log of the git-annex branch (nil
// where there is none). It uses the process that a following Publish needs
// anyway.
func (p *Publisher) ReadLog(ctx context.Context, path string) ([]byte, error) {
	if data, ok, err := p.Annex.JournalFile(path); ok || err != nil {
		return data, err
	}
	tip, err := p.Repo.Ref(ctx, annex.BranchRef)
	if err != nil || tip == "" {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.im == nil {
		if p.im, err = p.Repo.StartImport(ctx); err != nil {
			return nil, err
		}
	}
	p.im.AskEntry(tip, path)
	e, ok, err := p.im.Entry()
	if err != nil || !ok {
		return nil, err
	}
	return p.im.Blob(e.OID)
}

// Close ends a process that was started and not used.
func (p *Publisher) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.im != nil {
		p.im.Abort()
		p.im = nil
	}
}

// writeBlobs stores every content that git does not have and fills in OID.
func writeBlobs(im *git.Import, commits []Commit) error {
	for i := range commits {
		for j := range commits[i].Files {
			f := &commits[i].Files[j]
			if f.Remove || f.OID != "" {
				continue
			}
			var err error
			if f.Source == "" {
				f.OID, err = im.WriteBlob(f.Data)
			} else {
				f.OID, err = blobFrom(im, f)
			}
			if err != nil {
				return fmt.Errorf("store %s: %w", f.Path, err)
			}
		}
	}
	return nil
}

func blobFrom(im *git.Import, f *File) (gitobj.OID, error) {
	src, err := os.Open(f.Source)
	if err != nil {
		return "", err
	}
	defer src.Close()
	id, err := im.WriteBlobFrom(src, f.Size)
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
func (p *Publisher) publishLocked(ctx context.Context, lease *fsx.Lease, im *git.Import, req Request) (Result, error) {
	var busy indexQueue
	for try := 0; ; try++ {
		if im == nil {
			var err error
			if im, err = p.Repo.StartImport(ctx); err != nil {
				return Result{}, err
			}
		}
		res, err := p.attempt(ctx, lease, im, req)
		im.Abort()
		im = nil
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

// errMoved says that a ref moved between reading and writing.
var errMoved = errors.New("the branch moved")

// attempt publishes on the tips as they are now.
func (p *Publisher) attempt(ctx context.Context, lease *fsx.Lease, im *git.Import, req Request) (Result, error) {
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
	b := &builder{p: p, im: im, req: req, head: head}
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
