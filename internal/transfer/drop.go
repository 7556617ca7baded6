package transfer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/local"
)

// gitStat is the inode change time.
func gitStat(fi fs.FileInfo) gitindex.Time { return gitindex.StatOf(fi).CTime }

// Proof is what has to be shown before a key's content may be deleted here.
type Proof struct {
	// Need is the number of other repositories that must have the content,
	// max(numcopies, mincopies); 0 deletes without any proof.
	Need int
	// Locked is how many of these must be locked meanwhile, or trusted: for
	// deletions elsewhere, mincopies.
	Locked int
	// Trusted are repositories that count by the location log alone.
	Trusted []string
	// Ask are repositories that must show the content now, in this order.
	Ask []remote.Remote
	// Away names remotes that would be asked, but cannot be reached.
	Away []string
}

// UnsafeError says that too few copies could be verified, or, if Lock, that
// too few could be locked.
type UnsafeError struct {
	Have, Need int
	Lock       bool
	Away       []string // remotes that could not be asked
	Counted    []string // repositories that count
	Unlockable []string // remotes of which copies were seen, but cannot be locked
}

// Error is git-annex's text, with DataLad's name of the option.
func (e *UnsafeError) Error() string {
	noun := "copies"
	if e.Need == 1 {
		noun = "copy"
	}
	away := ""
	if len(e.Away) > 0 {
		away = "Unable to access these remotes: " + strings.Join(e.Away, ", ") + "; "
	}
	if e.Lock {
		return fmt.Sprintf("unsafe; Could only lock down %d out of %d necessary %s, which mincopies asks for; %s"+
			"(Use --reckless availability to override this check, or adjust mincopies.)", e.Have, e.Need, noun, away)
	}
	return fmt.Sprintf("unsafe; Could only verify the existence of %d out of %d necessary %s; %s"+
		"(Use --reckless availability to override this check, or adjust numcopies.)", e.Have, e.Need, noun, away)
}

// Drop deletes the key's content from our store. Our copy is locked against
// everybody who might count on it before the other copies are looked at, so of
// two repositories that drop at once, at most one finds the other's copy.
// Errors: remote.ErrAbsent, ErrBusy, ErrNoLock, *UnsafeError.
func Drop(ctx context.Context, store *local.Store, k annexkey.Key, p Proof) error {
	own, err := store.Exclude(k)
	if err != nil {
		return err
	}
	w := &witnesses{key: k, counted: map[string]bool{}, going: own}
	defer w.release()
	if err = w.gather(ctx, p); err == nil {
		err = w.confirm(ctx)
	}
	if err == nil {
		err = own.Held()
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		own.Release()
		return err
	}
	return own.Remove()
}

// Prove shows what Drop does before it deletes, for a key whose content has gone
// and lies in unlocked files alone. Nobody counts these as a copy.
func Prove(ctx context.Context, k annexkey.Key, p Proof) error {
	w := &witnesses{key: k, counted: map[string]bool{}}
	defer w.release()
	return w.gather(ctx, p)
}

// witnesses are the repositories that were found to have the content.
type witnesses struct {
	key     annexkey.Key
	going   object // that is to be deleted; nil for one elsewhere
	need    int
	strong  int             // so many must be locked or trusted
	trusted map[string]bool // those of counted that are
	counted map[string]bool // by UUID: each counts once
	locks   []remote.Lock
	seen    []remote.Remote // asked, but not locked
	away    []string        // remotes that could not be asked
}

// gather looks for copies until there are enough.
func (w *witnesses) gather(ctx context.Context, p Proof) error {
	w.need, w.strong, w.trusted, w.away = p.Need, p.Locked, map[string]bool{}, slices.Clone(p.Away)
	for _, uuid := range p.Trusted {
		w.counted[uuid], w.trusted[uuid] = true, true
	}
	for _, r := range p.Ask {
		if w.complete() {
			break
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if !w.counted[r.UUID()] && w.ask(ctx, r) {
			w.counted[r.UUID()] = true
		}
	}
	return w.enough(0, 0)
}

// strongly is how many copies are locked or trusted.
func (w *witnesses) strongly() int { return len(w.trusted) + len(w.locks) }

// complete reports whether no other repository has to be asked.
func (w *witnesses) complete() bool {
	return len(w.counted) >= w.need && w.strongly() >= w.strong
}

// enough is nil if the copies suffice that are left without some that are lost:
// locked ones, and others that were only seen.
func (w *witnesses) enough(lostLocks, lostSeen int) error {
	if have := len(w.counted) - lostLocks - lostSeen; have < w.need {
		return w.unsafe(UnsafeError{Have: have, Need: w.need})
	}
	if have := w.strongly() - lostLocks; have < w.strong {
		return w.unsafe(UnsafeError{Have: have, Need: w.strong, Lock: true})
	}
	return nil
}

// unsafe adds who was asked.
func (w *witnesses) unsafe(e UnsafeError) error {
	e.Away, e.Counted = w.away, slices.Sorted(maps.Keys(w.counted))
	for _, r := range w.seen {
		e.Unlockable = append(e.Unlockable, r.Name())
	}
	return &e
}

// ask has the remote lock its copy, or at least show it.
func (w *witnesses) ask(ctx context.Context, r remote.Remote) bool {
	if l, ok := r.(remote.Locker); ok {
		lock, err := l.Lock(ctx, w.key)
		if err == nil {
			if theirs, ok := lock.(object); ok && w.going != nil && sameObject(w.going, theirs) {
				lock.Release()
				return false // the very file, under another identity
			}
			w.locks = append(w.locks, lock)
			return true
		}
		if !errors.Is(err, remote.ErrNoLock) {
			if !errors.Is(err, remote.ErrAbsent) && !errors.Is(err, remote.ErrBusy) {
				w.away = append(w.away, r.Name())
			}
			return false
		}
	}
	if w.going != nil && sameFile(r, w.key, w.going) {
		return false
	}
	ok, err := r.Present(ctx, w.key)
	if err != nil {
		w.away = append(w.away, r.Name())
		return false
	}
	if ok {
		w.seen = append(w.seen, r)
	}
	return ok
}

// confirm looks once more, right before the deletion.
func (w *witnesses) confirm(ctx context.Context) error {
	lostLocks, lostSeen := 0, 0
	for _, l := range w.locks {
		if l.Held() != nil {
			lostLocks++
		}
	}
	for _, r := range w.seen {
		if ok, err := r.Present(ctx, w.key); !ok || err != nil {
			lostSeen++
		}
	}
	return w.enough(lostLocks, lostSeen)
}

func (w *witnesses) release() {
	for _, l := range w.locks {
		l.Release()
	}
}

// object is a file with content.
type object interface {
	Object() (path string, info fs.FileInfo)
}

// located is an object of which no more is known than where it is.
type located string

func (l located) Object() (string, fs.FileInfo) {
	info, err := os.Stat(string(l))
	if err != nil {
		return string(l), nil
	}
	return string(l), info
}

// sameFile reports whether what the remote has is just the object.
func sameFile(r remote.Remote, k annexkey.Key, ours object) bool {
	l, ok := remote.As[remote.Locator](r)
	if !ok {
		return false
	}
	theirs, ok := l.Locate(k)
	return ok && sameObject(ours, located(theirs))
}

// sameObject reports whether two objects are one: annexes can be links to
// others, and folders can be entered in two ways. Hard links are files of their
// own.
func sameObject(x, y object) bool {
	px, a := x.Object()
	py, b := y.Object()
	if a == nil || b == nil || !os.SameFile(a, b) {
		return false
	}
	if st, ok := a.Sys().(*syscall.Stat_t); ok && st.Nlink == 1 {
		return true
	}
	rx, errX := filepath.EvalSymlinks(px)
	ry, errY := filepath.EvalSymlinks(py)
	return errX != nil || errY != nil || rx == ry
}
