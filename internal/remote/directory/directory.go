// Package directory is git-annex's special remote of type directory: a folder
// on this machine, a mounted disk or a file server, that holds one folder for
// each key. It knows nothing of chunks and encryption, which lie above it.
package directory

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/remote"
)

// Remote is one folder with content.
type Remote struct {
	spec   remote.Spec
	dir    string // absolute
	kind   string // for people
	frozen bool   // a key's folder is write-protected
	sweep  sync.Once
	room   *remote.Room
}

// Open looks at nothing yet: a disk that is not mounted is an error of its use.
func Open(s remote.Setup) (*Remote, error) {
	dir := s.Setting("directory")
	if dir == "" {
		return nil, errs.WithHint(fmt.Errorf("remote %s: its folder is not known here", s.Name),
			"enable it with: stemma annex enableremote %s directory=PATH", s.Name)
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(s.WorkTree, dir)
	}
	return &Remote{spec: s.Spec, dir: filepath.Clean(dir), kind: "directory", frozen: true, room: remote.NewRoom(dir, s.Settings)}, nil
}

// Loose is the remote of another type that keeps content in the folder dir, an
// absolute path, in the same way, but with folders that can be written to.
func Loose(s remote.Setup, dir, kind string) *Remote {
	return &Remote{spec: s.Spec, dir: filepath.Clean(dir), kind: kind, room: remote.NewRoom(dir, s.Settings)}
}

// Name returns the remote's name in our configuration.
func (r *Remote) Name() string { return r.spec.Name }

// UUID returns the remote's identity.
func (r *Remote) UUID() string { return r.spec.UUID }

// Describe implements remote.Describer.
func (r *Remote) Describe() [][2]string {
	return [][2]string{{"type", r.kind}, {"directory", r.dir}}
}

// attached fails where the folder is not there, which is not the same as
// content that is not there.
func (r *Remote) attached() error {
	fi, err := os.Stat(r.dir)
	if err != nil {
		return errs.WithHint(fmt.Errorf("directory %s is not accessible: %w", r.dir, err), "mount it, or correct the configuration of remote %s", r.spec.Name)
	}
	if !fi.IsDir() {
		return fmt.Errorf("%s is not a directory", r.dir)
	}
	return nil
}

// locate returns the content's file, in whichever layout.
func (r *Remote) locate(k annexkey.Key) (string, error) {
	if err := k.Safe(); err != nil {
		return "", err
	}
	for _, p := range []string{k.ObjectPathLower(), k.ObjectPath()} {
		path := filepath.Join(r.dir, filepath.FromSlash(p))
		fi, err := os.Stat(path)
		if err == nil && fi.Mode().IsRegular() && !leftover(k, fi) {
			return path, nil
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	if err := r.attached(); err != nil {
		return "", err
	}
	return "", remote.ErrAbsent
}

// leftover recognises what a failed encryption of git-annex leaves: no
// encrypted content is empty.
func leftover(k annexkey.Key, fi fs.FileInfo) bool {
	return fi.Size() == 0 && strings.HasPrefix(k.Backend, "GPGHMAC")
}

// Locate implements remote.Locator.
func (r *Remote) Locate(k annexkey.Key) (string, bool) {
	path, err := r.locate(k)
	return path, err == nil
}

// Size implements remote.Sizer.
func (r *Remote) Size(_ context.Context, k annexkey.Key) (int64, bool) {
	path, err := r.locate(k)
	if err != nil {
		return 0, false
	}
	fi, err := os.Stat(path)
	if err != nil {
		return 0, false
	}
	return fi.Size(), true
}

// Present implements remote.Remote.
func (r *Remote) Present(ctx context.Context, k annexkey.Key) (bool, error) {
	_, err := r.locate(k)
	if errors.Is(err, remote.ErrAbsent) {
		return false, nil
	}
	return err == nil, err
}

// Fetch implements remote.Remote.
func (r *Remote) Fetch(ctx context.Context, k annexkey.Key, dst string, h hash.Hash) error {
	object, err := r.locate(k)
	if err != nil {
		return err
	}
	if err := fits(ctx, k, object); err != nil {
		return err
	}
	_, err = fsx.Copy(ctx, dst, object, fsx.CopyOptions{KeepTime: true, Hash: h, Private: true, SyncSoon: true})
	return err
}

// FetchFrom implements remote.Resumer.
func (r *Remote) FetchFrom(ctx context.Context, k annexkey.Key, dst string, offset int64, h hash.Hash) error {
	object, err := r.locate(k)
	if err != nil {
		return err
	}
	return remote.CopyFile(ctx, k, object, dst, offset, h)
}

// fits refuses content that is longer than the key says before it is copied.
func fits(ctx context.Context, k annexkey.Key, object string) error {
	fi, err := os.Stat(object)
	if err != nil {
		return err
	}
	if most, ok := remote.Bound(ctx, k); ok && fi.Size() > most {
		return &remote.SizeError{Key: k, Have: fi.Size(), Want: most}
	}
	return nil
}

// Store implements remote.Keeper: the key's folder is made below tmp and
// renamed into its place, so that nobody sees a part of it.
func (r *Remote) Store(ctx context.Context, k annexkey.Key, c remote.Content) error {
	_, err := r.locate(k)
	if !errors.Is(err, remote.ErrAbsent) {
		return err
	}
	r.sweep.Do(r.sweepLeftovers)
	done, err := r.room.Take(c.Size)
	if err != nil {
		return err
	}
	defer done()
	dest := filepath.Join(r.dir, filepath.FromSlash(k.HashLower()), k.File())
	tmp := filepath.Join(r.dir, "tmp", fsx.TempPrefix+strings.ToLower(rand.Text()[:16]))
	if err := os.MkdirAll(tmp, 0o777); err != nil {
		return fmt.Errorf("store in %s: %w", r.dir, err)
	}
	defer discard(tmp)
	if err := fill(ctx, filepath.Join(tmp, k.File()), c); err != nil {
		return fmt.Errorf("store in %s: %w", r.dir, err)
	}
	if err := r.publish(k, tmp, dest); err != nil {
		return fmt.Errorf("store in %s: %w", r.dir, err)
	}
	r.sweepKey(k)
	return nil
}

// fill writes the content durably and write-protects it.
func fill(ctx context.Context, path string, c remote.Content) error {
	res, err := fsx.Copy(ctx, path, c.Path, fsx.CopyOptions{KeepTime: true, Sync: true})
	if err != nil {
		return err
	}
	if res.Size != c.Size {
		return fsx.ErrChanged
	}
	c.Report(res.Size)
	return os.Chmod(path, 0o444)
}

// publish gives the finished folder its name. What is there under that name is
// content, which another process stored meanwhile, or else an empty folder or
// the rest of a broken transfer, which gives way.
func (r *Remote) publish(k annexkey.Key, tmp, dest string) error {
	if err := os.MkdirAll(filepath.Dir(dest), 0o777); err != nil {
		return err
	}
	err := os.Rename(tmp, dest)
	if isNotEmpty(err) {
		if _, err := r.locate(k); err == nil {
			return nil
		}
		discard(dest)
		err = os.Rename(tmp, dest)
	}
	if err != nil {
		return err
	}
	if r.frozen {
		if err := os.Chmod(dest, 0o555); err != nil {
			return err
		}
	}
	for dir := filepath.Dir(dest); ; dir = filepath.Dir(dir) {
		if err := fsx.SyncDir(dir); err != nil || dir == r.dir {
			return err
		}
	}
}

// discard removes a key's folder with what is in it.
func discard(dir string) {
	os.Chmod(dir, 0o755)
	os.RemoveAll(dir)
}

// Remove implements remote.Keeper.
func (r *Remote) Remove(ctx context.Context, k annexkey.Key) error {
	for {
		object, err := r.locate(k)
		if errors.Is(err, remote.ErrAbsent) {
			return nil
		}
		if err != nil {
			return err
		}
		dir := filepath.Dir(object)
		os.Chmod(dir, 0o755)
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("remove from %s: %w", r.dir, err)
		}
		for range 2 { // the hash folders, if nothing else is in them
			dir = filepath.Dir(dir)
			if os.Remove(dir) != nil {
				break
			}
		}
	}
}
