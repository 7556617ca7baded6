package annex

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/fsx"
)

// Arrival is content on its way into the annex. While it arrives it lies in a
// file that no other process writes to; what is left of a broken transfer goes
// to annex/tmp/KEYFILE, where git-annex looks for it as well.
type Arrival struct {
	annex  *Annex
	key    annexkey.Key
	path   string
	public string // annex/tmp/KEYFILE
	offset int64
	lock   *TransferLock
}

// Arrive prepares for content that comes from the repository uuid, and takes
// over what an earlier transfer has left. Errors: ErrTransferring.
func (a *Annex) Arrive(k annexkey.Key, uuid string) (*Arrival, error) {
	lock, err := a.LockTransfer(Download, uuid, k)
	if err != nil {
		return nil, err
	}
	sum := md5.Sum([]byte(k.File()))
	r := &Arrival{
		annex: a, key: k, lock: lock, public: a.Dir("tmp", k.File()),
		path: a.Dir("tmp", fsx.TempPrefix+"part-"+hex.EncodeToString(sum[:])),
	}
	if err := r.start(); err != nil {
		lock.Unlock()
		return nil, err
	}
	return r, nil
}

func (r *Arrival) start() error {
	if err := r.annex.Repo.MakeShared(r.annex.Dir("tmp")); err != nil {
		return err
	}
	r.adopt()
	f, err := os.OpenFile(r.path, os.O_WRONLY|os.O_CREATE, 0o666)
	if err != nil {
		return err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return err
	}
	r.offset = fi.Size()
	if r.key.Size >= 0 && r.offset > r.key.Size {
		r.offset = 0
		return f.Truncate(0)
	}
	return nil
}

// adopt takes the public partial file if it is the longer one. A process that
// has opened it holds the lock of its transfer: so it is looked for before, and
// once more when nobody can open the file by its name any more.
func (r *Arrival) adopt() {
	if sizeOf(r.public) <= sizeOf(r.path) || r.annex.downloading(r.key, r.lock) {
		return
	}
	if os.Rename(r.public, r.path) != nil || !r.annex.downloading(r.key, r.lock) {
		return
	}
	if fsx.TakeName(r.path, r.public) != nil { // theirs, unless they have begun anew
		os.Remove(r.path)
	}
}

// sizeOf is the size of a regular file else -1.
func sizeOf(path string) int64 {
	fi, err := os.Lstat(path)
	if err != nil || !fi.Mode().IsRegular() {
		return -1
	}
	return fi.Size()
}

// Path is the file to append to.
func (r *Arrival) Path() string { return r.path }

// Offset is the number of bytes that are there from before.
func (r *Arrival) Offset() int64 { return r.offset }

// Restart throws away what is there.
func (r *Arrival) Restart() error {
	r.offset = 0
	return os.WriteFile(r.path, nil, 0o666)
}

// Keep makes the file, which the caller has verified, the key's content, and
// ends the arrival. fi is the state of the file that was verified. Nothing is
// durable before SyncObjects.
func (r *Arrival) Keep(ctx context.Context, fi fs.FileInfo) error {
	defer r.lock.Unlock()
	var err error
	for range keepTries {
		err = r.annex.Keep(ctx, r.path, fi, r.key)
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
			break
		}
	}
	if err == nil {
		os.Remove(r.path)
	}
	return err
}

// keepTries bounds how often another process may remove or protect the key's
// folder between two steps of ours.
const keepTries = 5

// Suspend ends the arrival and leaves what has come for the next one.
func (r *Arrival) Suspend() {
	defer r.lock.Unlock()
	if sizeOf(r.path) <= 0 {
		os.Remove(r.path)
		return
	}
	_ = fsx.TakeName(r.path, r.public) // else the next arrival of ours finds it
}

// Discard ends the arrival and throws away what has come.
func (r *Arrival) Discard() {
	os.Remove(r.path)
	r.lock.Unlock()
}
