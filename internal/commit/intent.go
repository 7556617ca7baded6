package commit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// intent is what a writer is about to do. It is written durably before the
// refs move and removed when everything has followed; whoever finds one
// completes it or takes it back. The lease allows only one at a time.
type intent struct {
	Moves []git.RefMove
	Edits []intentEdit
	Lock  string // identity of our index.lock, "" if there is none
	// Private is the lock's name before it was taken.
	Private string
	Tags    map[int64]gitobj.OID
	// WorkTree's git folder, whose index the edits are for.
	GitDir string
}

// intentEdit is a change of the index: what must be there afterwards.
type intentEdit struct {
	Path   string
	Mode   gitobj.Mode
	OID    gitobj.OID
	Remove bool
}

func newIntent(b *builder, lock *git.IndexLock) *intent {
	in := &intent{Moves: b.moves, Tags: b.tags(), GitDir: b.p.Repo.GitDir}
	for _, e := range b.edits {
		in.Edits = append(in.Edits, intentEdit{e.Path, e.Mode, e.OID, e.Remove})
	}
	if lock != nil {
		in.Lock, in.Private = lock.Identity(), lock.PrivatePath()
	}
	return in
}

func (in *intent) doneTags() map[int64]gitobj.OID { return in.Tags }

func (p *Publisher) intentPath() string { return filepath.Join(StateDir(p.Repo), "intent") }

func (p *Publisher) writeIntent(in *intent) error {
	data, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("write intent: %w", err)
	}
	if err := fsx.WriteFile(p.intentPath(), append(data, '\n'), 0o666); err != nil {
		return err
	}
	return p.Repo.Share(p.intentPath())
}

func (p *Publisher) clearIntent() error {
	if err := os.Remove(p.intentPath()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("clear intent: %w", err)
	}
	return nil
}

// Settle completes what a killed writer left, if there is anything. It is for
// commands that may find nothing to do: what is left must not wait until the
// user has changed the same paths again.
func (p *Publisher) Settle(ctx context.Context) error {
	if _, err := os.Lstat(p.intentPath()); err != nil {
		return nil
	}
	lease, err := p.Lock(ctx, "complete what was left")
	if err != nil {
		return err
	}
	return lease.Release()
}

// recover settles an intent that a killed writer left. The branch decides:
// if it contains the new tip, the rest follows; if not, nothing happened.
func (p *Publisher) recover(ctx context.Context) error {
	data, err := os.ReadFile(p.intentPath())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	in := &intent{}
	if err := json.Unmarshal(data, in); err != nil {
		return fmt.Errorf("recover: %s is damaged: %w", p.intentPath(), err)
	}
	if err := p.awaitOrphans(ctx); err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	if err := p.removeRefLocks(ctx, in); err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	published, err := p.published(ctx, in.GitDir, in.Moves)
	if err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	if published {
		err = p.complete(ctx, in)
	} else {
		err = removeOurLock(in)
	}
	if err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	return p.clearIntent()
}

// published reports whether the transaction took place. git moves the refs one
// after the other: the first one but the annex's decides. The user may have
// moved them on since.
func (p *Publisher) published(ctx context.Context, gitDir string, moves []git.RefMove) (bool, error) {
	for _, m := range moves {
		if m.Name == annex.BranchRef && len(moves) > 1 {
			continue
		}
		now, err := p.currentRef(ctx, gitDir, m.Name)
		if err != nil {
			return false, err
		}
		if now == m.New {
			return true, nil
		}
		if now == "" || now == m.Old {
			continue
		}
		if ok, err := p.Repo.IsAncestor(ctx, m.New, now); err != nil || ok {
			return ok, err
		}
	}
	return false, nil
}

// decided is published for callers that can only hope.
func (p *Publisher) decided(ctx context.Context, moves []git.RefMove) bool {
	ok, err := p.published(ctx, p.Repo.GitDir, moves)
	return ok && err == nil
}

// leftToMove lists the refs that are still at their old values.
func (p *Publisher) leftToMove(ctx context.Context, gitDir string, moves []git.RefMove) (left []git.RefMove, err error) {
	for _, m := range moves {
		now, err := p.currentRef(ctx, gitDir, m.Name)
		if err != nil {
			return nil, err
		}
		if now == m.Old {
			left = append(left, m)
		}
	}
	return left, nil
}

// currentRef reads a ref; HEAD is that of the work tree that gitDir belongs
// to, which a killed writer may have worked in.
func (p *Publisher) currentRef(ctx context.Context, gitDir, name string) (gitobj.OID, error) {
	if name != "HEAD" {
		return p.Repo.Ref(ctx, name)
	}
	if gitDir == p.Repo.GitDir {
		h, err := p.Repo.Head(ctx)
		return h.OID, err
	}
	text, err := os.ReadFile(filepath.Join(gitDir, "HEAD"))
	if err != nil {
		return "", fmt.Errorf("read HEAD: %w", err)
	}
	if ref, symbolic := strings.CutPrefix(string(text), "ref:"); symbolic {
		return p.Repo.Ref(ctx, strings.TrimSpace(ref))
	}
	return gitobj.ParseOID(strings.TrimSpace(string(text)))
}

// complete does what follow would have done.
func (p *Publisher) complete(ctx context.Context, in *intent) error {
	if left, err := p.leftToMove(ctx, in.GitDir, in.Moves); err != nil {
		return err
	} else if len(left) > 0 {
		if err := p.Repo.MoveRefs(ctx, left, "stemma: completed after a crash"+p.Mark); err != nil {
			return err
		}
	}
	lock := indexLockPath(in)
	switch {
	case in.Lock == "" || len(in.Edits) == 0:
	case fsx.Identity(lock) == in.Lock:
		// Nobody could change the index while our lock was in place.
		if err := os.Rename(lock, filepath.Join(in.GitDir, "index")); err != nil {
			return err
		}
	default:
		if err := p.repairIndex(ctx, in); err != nil {
			return err
		}
	}
	return p.done(ctx, in.doneTags())
}

func indexLockPath(in *intent) string { return filepath.Join(in.GitDir, "index.lock") }

// sameFolder also takes a git folder for itself where .git has become a symlink
// to it since.
func sameFolder(a, b string) bool {
	if a == b {
		return true
	}
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

// repairIndex brings entries that are still as before the commit to what the
// commit says. What somebody has staged since stays.
func (p *Publisher) repairIndex(ctx context.Context, in *intent) error {
	if !sameFolder(in.GitDir, p.Repo.GitDir) {
		return nil // another work tree's index; its next command repairs it
	}
	old, err := p.oldEntries(ctx, in)
	if err != nil {
		return err
	}
	lock, err := p.Repo.NewIndexLock()
	if err != nil {
		return err
	}
	if err := lock.Take(ctx, DefaultIndexWait); err != nil {
		lock.Abort()
		return err
	}
	index, err := p.Repo.ReadIndex()
	if err != nil {
		lock.Abort()
		return err
	}
	var edits []gitindex.Edit
	for _, e := range in.Edits {
		have, _ := index.Lookup(e.Path)
		if was := old[e.Path]; have.OID == was.OID && (have.OID == "" || have.Mode == was.Mode) {
			edits = append(edits, gitindex.Edit{Path: e.Path, Mode: e.Mode, OID: e.OID, Remove: e.Remove})
		}
	}
	if err := lock.Write(ctx, edits); err != nil {
		lock.Abort()
		return err
	}
	return lock.Commit()
}

// oldEntries reads what the branch said of the paths before.
func (p *Publisher) oldEntries(ctx context.Context, in *intent) (map[string]git.TreeEntry, error) {
	old := map[string]git.TreeEntry{}
	for _, m := range in.Moves {
		if m.Name == annex.BranchRef || m.Old == "" {
			continue
		}
		w := p.Repo.WriteObjects(ctx)
		defer w.Abort()
		for _, e := range in.Edits {
			if te, ok, err := w.Entry(m.Old, e.Path); err != nil {
				return nil, err
			} else if ok {
				old[e.Path] = te
			}
		}
		return old, nil
	}
	return old, nil
}

// removeOurLock takes an unpublished writer's index.lock away; a lock of
// anybody else stays.
func removeOurLock(in *intent) error {
	if in.Private != "" && filepath.Dir(in.Private) == in.GitDir {
		os.Remove(in.Private)
	}
	if in.Lock == "" || fsx.Identity(indexLockPath(in)) != in.Lock {
		return nil
	}
	return os.Remove(indexLockPath(in))
}
