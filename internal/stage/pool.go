package stage

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/stemma-data/stemma/internal/fsx"
)

// The pool holds each content once, and the folders of jobs hold hard links to
// it. What is linked is protected in four ways:
//
//   - It is a copy: no object of an annex ever gets a link in a job's folder,
//     since whoever writes through a link changes what the dataset vouches for.
//   - It is read-only, and its owner is the one who schedules. Root, whom modes
//     do not bind, gets copies. Where reflinks work, content of an annex is
//     cloned for each job instead, which shares the blocks and nothing else.
//   - It is sealed: its time of modification is derived from its name. Somebody
//     who makes it writable and writes breaks the seal, so that no later job
//     gets it; and finish looks at every file that it staged.
//   - The pool is one user's. The kernel (fs.protected_hardlinks) lets nobody
//     else make links to it, and contents that others made need not be trusted.

// poolPrefix starts the names of pools; the user's number follows.
const poolPrefix = ".stemma-pool-"

func (a *Area) pool() string { return filepath.Join(a.Root, fmt.Sprint(poolPrefix, os.Geteuid())) }

// poolPath is where content is kept; executable files are another content.
func (a *Area) poolPath(f *File) string {
	sum := sha256.Sum256([]byte(f.ID))
	name := hex.EncodeToString(sum[:20])
	if f.Exec {
		name += "-x"
	}
	return filepath.Join(a.pool(), name[:2], name[2:])
}

// sealPeriod is how many seconds a seal may lie in the past.
const sealPeriod = 4096

// sealOf derives a seal from a name: seconds within the period, nanoseconds.
func sealOf(path string) (sec, nsec int64) {
	sum := sha256.Sum256([]byte(filepath.Base(path)))
	return int64(binary.BigEndian.Uint32(sum[:])) % sealPeriod, int64(binary.BigEndian.Uint32(sum[4:])) % 1e9
}

// sealTime is the last moment before now that carries the seal. It is recent,
// because scratch file systems remove what is old.
func sealTime(path string, now time.Time) time.Time {
	sec, nsec := sealOf(path)
	at := now.Unix() - (now.Unix()-sec)%sealPeriod
	if t := time.Unix(at, nsec); !t.After(now) {
		return t
	}
	return time.Unix(at-sealPeriod, nsec)
}

// sealed reports whether a time carries the seal, on file systems that keep
// whole seconds, too.
func sealed(path string, at time.Time) bool {
	sec, nsec := sealOf(path)
	return ((at.Unix()-sec)%sealPeriod+sealPeriod)%sealPeriod == 0 && (at.Nanosecond() == 0 || int64(at.Nanosecond()) == nsec)
}

// intact reports whether a content of the pool is as it was put there.
func (a *Area) intact(path string, f *File) bool {
	fi, err := os.Lstat(path)
	if err != nil || !fi.Mode().IsRegular() || fi.Mode().Perm()&0o222 != 0 || f.Size >= 0 && fi.Size() != f.Size {
		return false
	}
	st, ok := fi.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Geteuid() && sealed(path, fi.ModTime())
}

// linkAttempts is how often a content is put into the pool anew: it may be
// pruned meanwhile, or have as many links as the file system allows.
const linkAttempts = 3

// link puts a content into the pool, unless it is there, and links it to dst.
// It returns false where that is not possible; then nothing is at dst.
func (a *Area) link(ctx context.Context, dst string, f *File) (bool, error) {
	path := a.poolPath(f)
	for try := range linkAttempts {
		if try > 0 || !a.intact(path, f) {
			if err := a.fill(ctx, path, f); err != nil {
				return false, poolError(err)
			}
		}
		err := os.Link(path, dst)
		if err == nil {
			return true, nil
		}
		if !errors.Is(err, syscall.EMLINK) && !errors.Is(err, fs.ErrNotExist) {
			return false, poolError(err)
		}
	}
	return false, nil
}

// poolError passes on what would hit a copy as well; everything else means that
// there is no sharing here.
func poolError(err error) error {
	for _, e := range []error{syscall.EXDEV, syscall.EPERM, syscall.EACCES, syscall.EOPNOTSUPP, syscall.ENOSYS, syscall.EMLINK, fs.ErrNotExist} {
		if errors.Is(err, e) {
			return nil
		}
	}
	return err
}

// fill puts a content into the pool in one step. Links to an older one keep
// what they have.
func (a *Area) fill(ctx context.Context, path string, f *File) error {
	if err := a.mkdirs(filepath.Dir(path)); err != nil {
		return err
	}
	tmp := filepath.Join(filepath.Dir(path), fsx.TempPrefix+strings.ToLower(rand.Text()[:16]))
	err := a.write(ctx, tmp, f)
	if err == nil {
		at := sealTime(path, time.Now())
		err = os.Chtimes(tmp, at, at)
	}
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		_ = os.Remove(tmp)
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.filled = append(a.filled, path)
	return nil
}

// Pruned is what Prune has removed, or would remove.
type Pruned struct {
	Files int   `json:"files"`
	Bytes int64 `json:"bytes"`
}

// tempLife is the age from which an unfinished file is nobody's any more.
const tempLife = time.Hour

// PrunePool removes the contents of this user's pool in root that no folder of
// a job holds. A schedule that is just about to link one makes it anew.
func PrunePool(root string, dryRun bool) (p Pruned, err error) {
	a := &Area{Root: root}
	err = eachPooled(a.pool(), func(path string, fi fs.FileInfo) error {
		if linksOf(fi) != 1 || strings.HasPrefix(filepath.Base(path), fsx.TempPrefix) && time.Since(fi.ModTime()) < tempLife {
			return nil
		}
		p.Files, p.Bytes = p.Files+1, p.Bytes+fi.Size()
		if dryRun {
			return nil
		}
		return os.Remove(path)
	})
	if err != nil || dryRun {
		return p, err
	}
	removeEmpty(a.pool())
	return p, nil
}

// eachPooled calls fn for the files of a pool; one that is missing has none.
func eachPooled(pool string, fn func(path string, fi fs.FileInfo) error) error {
	err := filepath.WalkDir(pool, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		fi, err := e.Info()
		if err == nil && fi.Mode().IsRegular() {
			err = fn(path, fi)
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// removeEmpty removes the folders of a pool that hold nothing.
func removeEmpty(pool string) {
	dirs, _ := os.ReadDir(pool)
	for _, e := range dirs {
		_ = os.Remove(filepath.Join(pool, e.Name()))
	}
	_ = os.Remove(pool)
}
