package directory

import (
	"context"
	"errors"
	"hash"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/remote"
)

// SharedTree is a Tree in which others change files, too: what is there is known
// by inode, size and time.
type SharedTree struct{ *Tree }

// id is how the content of a file is known.
func (t *Tree) id(fi fs.FileInfo) string {
	inode := uint64(0)
	if st, ok := fi.Sys().(*syscall.Stat_t); ok && t.inodes {
		inode = st.Ino
	}
	return annexlog.InodeCache(inode, fi.Size(), fi.ModTime())
}

// Same reports whether two identifiers are of the same content. Between hosts
// and mounts inodes may differ, which is no proof of another content; then size
// and time decide, as git-annex decides.
func Same(a, b string) bool {
	if a == b {
		return true
	}
	fa, fb := strings.SplitN(a, " ", 2), strings.SplitN(b, " ", 2)
	return len(fa) == 2 && len(fb) == 2 && fa[1] == fb[1] && (fa[0] == "0" || fb[0] == "0")
}

func (t *Tree) knows(fi fs.FileInfo, ids []string) bool {
	id := t.id(fi)
	for _, known := range ids {
		if Same(id, known) {
			return true
		}
	}
	return false
}

// unfinished recognises files that an export, of whomever, is writing, or has
// left when it was killed.
func unfinished(name string) bool {
	return strings.HasPrefix(name, fsx.TempPrefix) || strings.HasPrefix(name, ".git-annex-tmp-content-")
}

// ListFiles implements remote.Importer.
func (t *SharedTree) ListFiles(ctx context.Context) ([]remote.Importable, error) {
	if err := t.attached(); err != nil {
		return nil, err
	}
	var files []remote.Importable
	err := filepath.WalkDir(t.dir, func(p string, e fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil || !e.Type().IsRegular() || unfinished(e.Name()) {
			return err
		}
		fi, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(t.dir, p)
		if err != nil {
			return err
		}
		files = append(files, remote.Importable{Path: filepath.ToSlash(rel), Size: fi.Size(), ID: t.id(fi)})
		return nil
	})
	return files, err
}

// FetchContent implements remote.Importer.
func (t *SharedTree) FetchContent(ctx context.Context, f remote.Importable, dst string, h hash.Hash) error {
	src, fi, err := t.look(f.Path)
	if err != nil {
		return err
	}
	if fi == nil || !fi.Mode().IsRegular() || !Same(t.id(fi), f.ID) {
		return remote.ErrChanged
	}
	return t.copyUnchanged(ctx, src, t.id(fi), dst, h)
}
