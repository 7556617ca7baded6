package annex

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/fsx"
)

// ErrTransferring says that another process moves the same content now.
var ErrTransferring = errors.New("transfer already in progress by another process")

// Direction is the way that content takes, seen from here.
type Direction string

// The directions, as git-annex names their folders.
const (
	Download Direction = "download"
	Upload   Direction = "upload"
)

// TransferLock excludes other transfers of the same content, git-annex's too.
type TransferLock struct{ held []*fsx.FileLock }

// LockTransfer takes the locks that git-annex takes on a transfer between here
// and the repository uuid: the one of that repository, and for downloads the
// one that newer versions take for all sources. Errors: ErrTransferring.
func (a *Annex) LockTransfer(d Direction, uuid string, k annexkey.Key) (*TransferLock, error) {
	if err := k.Safe(); err != nil {
		return nil, err
	}
	l := &TransferLock{}
	for _, owner := range transferOwners(d, uuid) {
		if err := l.take(a.Dir("transfer", string(d), owner, "lck."+k.File())); err != nil {
			l.Unlock()
			if errors.Is(err, fsx.ErrLocked) {
				err = ErrTransferring
			}
			return nil, fmt.Errorf("lock transfer: %w", err)
		}
	}
	return l, nil
}

func transferOwners(d Direction, uuid string) []string {
	var owners []string
	if d == Download {
		owners = append(owners, "lck")
	}
	if uuid = strings.ReplaceAll(uuid, "/", ""); uuid != "" && uuid != "." && uuid != ".." {
		owners = append(owners, uuid)
	}
	return owners
}

func (l *TransferLock) take(path string) error {
	f, err := fsx.TryLockFile(path, true)
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.MkdirAll(filepath.Dir(path), 0o777); err == nil {
			f, err = fsx.TryLockFile(path, true)
		}
	}
	if err == nil {
		l.held = append(l.held, f)
	}
	return err
}

// Unlock gives the locks back and removes their files.
func (l *TransferLock) Unlock() {
	for _, f := range l.held {
		os.Remove(f.Path())
		f.Unlock()
	}
	l.held = nil
}

// Downloading reports whether a process fetches the key's content.
func (a *Annex) Downloading(k annexkey.Key) bool { return a.downloading(k, &TransferLock{}) }

// downloading reports whether another process holds the lock of a download of
// the key, from whatever source; ours are not counted.
func (a *Annex) downloading(k annexkey.Key, ours *TransferLock) bool {
	owners, err := os.ReadDir(a.Dir("transfer", string(Download)))
	if err != nil {
		return false
	}
	for _, o := range owners {
		path := a.Dir("transfer", string(Download), o.Name(), "lck."+k.File())
		if _, err := os.Lstat(path); err != nil || ours.holds(path) {
			continue
		}
		l, err := fsx.TryLockFile(path, true)
		if err != nil {
			return true
		}
		os.Remove(path)
		l.Unlock()
	}
	return false
}

func (l *TransferLock) holds(path string) bool {
	for _, f := range l.held {
		if f.Path() == path {
			return true
		}
	}
	return false
}
