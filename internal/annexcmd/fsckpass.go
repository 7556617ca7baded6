package annexcmd

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/fsx"
)

// FsckPass remembers which keys one round through a repository has found in
// order, so that the next process goes on from there. Its file is
// annex/fsck/UUID/stemma-pass in git's folder: a head with the time when the
// pass began, and 16 bytes for each key, in the order in which they were
// checked. git-annex keeps its own passes beside it, in a database.
type FsckPass struct {
	s     *Session
	file  *os.File
	lock  *fsx.FileLock
	done  map[mark]struct{} // by earlier processes
	fresh []byte            // marks that are not in the file yet
	wrote time.Time
}

// mark stands for a key.
type mark [16]byte

func markOf(k annexkey.Key) (m mark) {
	sum := sha256.Sum256([]byte(k.String()))
	copy(m[:], sum[:])
	return m
}

// passMagic begins the file; eight bytes with the time in seconds follow.
const passMagic = "stmfsck1"

const (
	passPause   = time.Second // between two writes, at least
	passWaiting = 1 << 20     // bytes that are written at once whenever they come together
)

// FsckMode says how a pass begins.
type FsckMode struct {
	// Anew begins another one; otherwise the last one goes on.
	Anew bool
	// Every, if positive, begins one if the last one began so long ago.
	Every time.Duration
}

// NewFsckPass begins or continues a pass over what the repository has.
func (s *Session) NewFsckPass(uuid string, mode FsckMode) (*FsckPass, error) {
	dir := s.D.Annex.Dir("fsck", uuid)
	if uuid == "" || filepath.Base(dir) != uuid {
		return nil, fmt.Errorf("fsck: %q is no identity of a repository", uuid)
	}
	if err := s.D.Repo.MakeShared(dir); err != nil {
		return nil, err
	}
	p := &FsckPass{s: s, done: map[mark]struct{}{}, wrote: time.Now()}
	path := filepath.Join(dir, "stemma-pass")
	if mode.Every > 0 {
		began, err := passBegan(path)
		mode.Anew = err != nil || s.D.Now().Sub(began) >= mode.Every
	}
	err := p.take(filepath.Join(dir, "stemma-pass.lck"), mode.Anew)
	if err == nil {
		err = p.open(path, mode.Anew)
	}
	if err != nil {
		p.release()
		return nil, fmt.Errorf("fsck: %w", err)
	}
	return p, nil
}

// take keeps others from beginning a pass while this one goes on.
func (p *FsckPass) take(path string, anew bool) (err error) {
	p.lock, err = fsx.TryLockFile(path, anew)
	if errors.Is(err, fsx.ErrLocked) {
		return errs.WithHint(errors.New("Cannot start a new --incremental fsck pass; another fsck process is already running."), "wait until it has ended, or help it with --more")
	}
	if err == nil && anew {
		p.lock.Share()
	}
	return err
}

func passBegan(path string) (time.Time, error) {
	f, err := os.Open(path)
	if err != nil {
		return time.Time{}, err
	}
	defer f.Close()
	return readPassHead(f)
}

func readPassHead(r io.Reader) (time.Time, error) {
	var head mark
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return time.Time{}, err
	}
	if string(head[:8]) != passMagic {
		return time.Time{}, errors.New("no record of a pass")
	}
	return time.Unix(int64(binary.BigEndian.Uint64(head[8:])), 0), nil
}

// open reads what was done; where that cannot be read, it begins anew.
func (p *FsckPass) open(path string, anew bool) (err error) {
	if !anew {
		anew = p.read(path) != nil
	}
	if anew {
		p.done = map[mark]struct{}{}
		head := binary.BigEndian.AppendUint64([]byte(passMagic), uint64(p.s.D.Now().Unix()))
		if err := fsx.WriteFile(path, head, 0o644); err != nil {
			return err
		}
		if err := p.s.D.Repo.Share(path); err != nil {
			return err
		}
	}
	p.file, err = os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	return err
}

func (p *FsckPass) read(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := readPassHead(f); err != nil {
		return err
	}
	buf := make([]byte, 1<<20)
	for size := int64(len(mark{})); ; {
		n, err := io.ReadFull(f, buf)
		for b := buf[:n]; len(b) >= len(mark{}); b = b[len(mark{}):] {
			p.done[mark(b)] = struct{}{}
		}
		size += int64(n)
		switch {
		case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
			return f.Truncate(size - size%int64(len(mark{}))) // a write was cut off
		case err != nil:
			return err
		}
	}
}

// Needs reports whether the key is still to be checked.
func (p *FsckPass) Needs(k annexkey.Key) bool {
	_, done := p.done[markOf(k)]
	return !done
}

// Check runs check on a file, and remembers its key if nothing was wrong.
func (p *FsckPass) Check(ctx context.Context, f File, check func(File) error) error {
	good, report := false, p.s.Report
	p.s.Report = func(o Outcome) error {
		good = !o.Failed
		return report(o)
	}
	err := check(f)
	p.s.Report = report
	if err != nil || !good {
		return err
	}
	m := markOf(f.Key)
	p.fresh = append(p.fresh, m[:]...)
	if len(p.fresh) < passWaiting && time.Since(p.wrote) < passPause {
		return nil
	}
	return p.flush(ctx)
}

// flush writes down what was checked, after all that had to be corrected.
func (p *FsckPass) flush(ctx context.Context) error {
	p.wrote = time.Now()
	if len(p.fresh) == 0 {
		return nil
	}
	if err := errors.Join(p.s.flushIndex(ctx), p.s.publish(ctx)); err != nil {
		return err
	}
	_, err := p.file.Write(p.fresh)
	p.fresh = p.fresh[:0]
	return err
}

// Close ends the work of this process; the pass can go on with another one.
func (p *FsckPass) Close(ctx context.Context) error {
	err := p.flush(context.WithoutCancel(ctx))
	return errors.Join(err, p.release())
}

func (p *FsckPass) release() (err error) {
	if p.file != nil {
		err = p.file.Close()
	}
	if p.lock != nil {
		p.lock.Unlock()
	}
	return err
}
