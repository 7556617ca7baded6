package fsx

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// staleWatch decides, over repeated looks, whether a lease is stale.
type staleWatch struct {
	last  seenLease
	since time.Time // when last was first seen like this
	probe time.Time // when the file system's clock was asked last
}

// breakIfStale removes the lease at path if its owner is gone, and reports
// whether the caller may try again at once.
func (w *staleWatch) breakIfStale(path string, opt LeaseOptions) (bool, error) {
	seen, err := readLease(path)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	stale, err := w.stale(path, seen, opt)
	if err != nil || !stale {
		return false, err
	}
	return guardedRemove(path, path, seen, opt)
}

// stale judges by the process table where that is possible and by the file
// system's clock where it is not.
func (w *staleWatch) stale(path string, seen seenLease, opt LeaseOptions) (bool, error) {
	switch seen.rec.Fate() {
	case Dead:
		return true, nil
	case Alive:
		return false, nil
	}
	now := time.Now()
	if !w.last.same(seen) || !w.last.mtime.Equal(seen.mtime) {
		w.last, w.since = seen, now
	}
	if now.Sub(w.probe) < opt.Heartbeat/4 {
		return false, nil
	}
	w.probe = now
	clock, err := fileSystemNow(path)
	if err != nil {
		return false, err
	}
	// Some file systems stamp by the writing node's clock. A lease that looks
	// silent only because clocks differ shows a heartbeat if we watch for one.
	age, watched := clock.Sub(seen.mtime), now.Sub(w.since)
	return age > 10*opt.StaleAfter || age > opt.StaleAfter && watched > opt.Heartbeat+opt.Heartbeat/2, nil
}

// fileSystemNow returns the time that a file written beside path gets now.
func fileSystemNow(path string) (time.Time, error) {
	tmp := tempBeside(path)
	if err := writeSynced(tmp, []byte{'\n'}, 0o600); err != nil {
		return time.Time{}, err
	}
	defer os.Remove(tmp)
	fi, err := os.Stat(tmp)
	if err != nil {
		return time.Time{}, err
	}
	return fi.ModTime(), nil
}

// Removing somebody's lease must hit that lease and no younger one, but no file
// system renames or unlinks "if the content is still this". So the right to
// remove the lease with nonce X is a file of its own, BASE.break-X, made with
// O_EXCL: whoever has it is the only one who may remove X, so between reading X
// and renaming it away nothing can take its place. A guard left by a breaker
// that died is itself a lease with a nonce and is removed the same way.

// removeLease removes the lease with that nonce under its guard and reports
// whether it was there.
func removeLease(path, nonce string, opt LeaseOptions) (bool, error) {
	seen, err := readLease(path)
	if err != nil || seen.rec.Nonce != nonce {
		return false, ignoreMissing(err)
	}
	return guardedRemove(path, path, seen, opt)
}

// guardedRemove removes the file at path, as seen, under a guard named after
// base. It reports false if somebody else is at it.
func guardedRemove(base, path string, seen seenLease, opt LeaseOptions) (bool, error) {
	guard := base + breakMark + guardName(seen)
	rec := newRecord("break a stale lease")
	f, err := createLease(guard, rec, opt.Share)
	if errors.Is(err, fs.ErrExist) {
		return false, removeStaleGuard(base, guard, opt)
	}
	if err != nil {
		return false, err
	}
	f.Close()
	removed, err := bury(base, path, seen)
	if own, readErr := readLease(guard); readErr == nil && own.rec.Nonce == rec.Nonce {
		os.Remove(guard)
	}
	sweep(base, opt)
	return removed, err
}

const (
	breakMark = ".break-"
	graveMark = ".dead-"
)

// guardName is the part of a guard's name that says which lease it is for. A
// lease whose record was never completed has only its inode number.
func guardName(seen seenLease) string {
	n := seen.rec.Nonce
	for _, c := range n {
		if (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			n = ""
			break
		}
	}
	if n == "" || len(n) > 64 {
		return fmt.Sprintf("ino%d", seen.id.ino)
	}
	return n
}

// removeStaleGuard makes way after a breaker that died on its short way. The
// caller looks again later in any case.
func removeStaleGuard(base, guard string, opt LeaseOptions) error {
	seen, err := readLease(guard)
	if err != nil {
		return ignoreMissing(err)
	}
	switch seen.rec.Fate() {
	case Alive:
		return nil
	case Unknown:
		clock, err := fileSystemNow(base)
		if err != nil || clock.Sub(seen.mtime) < 2*opt.StaleAfter {
			return err
		}
	}
	_, err = guardedRemove(base, guard, seen, opt)
	return err
}

// bury removes path if it is still what was seen. The caller has the guard. The
// look after the rename is a second line of defence for a breaker that slept
// so long that its guard was broken in turn.
func bury(base, path string, seen seenLease) (bool, error) {
	now, err := readLease(path)
	if err != nil || !now.same(seen) || !now.mtime.Equal(seen.mtime) {
		return false, ignoreMissing(err)
	}
	grave := base + graveMark + rand.Text()
	if err := os.Rename(path, grave); err != nil {
		return false, ignoreMissing(err)
	}
	dead, err := readLease(grave)
	if err == nil && !dead.same(seen) {
		err = TakeName(grave, path) // never over a younger lease
		os.Remove(grave)
		if errors.Is(err, fs.ErrExist) {
			err = nil // its owner finds out by Check
		}
		return false, err
	}
	return true, errors.Join(err, os.Remove(grave))
}

// sweep removes what breakers that were killed long ago have left behind.
func sweep(base string, opt LeaseOptions) {
	for _, mark := range []string{breakMark, graveMark} {
		names, _ := filepath.Glob(quoteGlob(base) + mark + "*")
		for _, name := range names {
			fi, err := os.Stat(name)
			if err == nil && time.Since(fi.ModTime()) > 60*opt.StaleAfter {
				os.Remove(name)
			}
		}
	}
}

// quoteGlob takes the special meaning from the characters of a path.
func quoteGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
