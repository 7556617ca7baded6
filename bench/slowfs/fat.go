package slowfs

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// fat hands on to another file system what FAT could do, as Linux shows it:
// no links of either kind, no permissions, names that differ in case are one,
// some characters no name may have, and times of two seconds.
type fat struct {
	fuse.RawFileSystem
	backing string
	mu      sync.Mutex
	places  map[uint64]place // of the inodes that were looked up
}

// place is where an inode was seen last.
type place struct {
	parent uint64
	name   string
}

func newFAT(below fuse.RawFileSystem, backing string) *fat {
	return &fat{RawFileSystem: below, backing: backing, places: map[uint64]place{}}
}

// The bits that all files and folders have, as with umask=022.
const fatPerm = 0o755

// forbidden reports a name that FAT does not know.
func forbidden(name string) bool {
	return strings.ContainsAny(name, "\"*:<>?|\\") || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' })
}

// folder is the path of a folder in the backing folder.
func (f *fat) folder(id uint64) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	rel := ""
	for depth := 0; id != fuse.FUSE_ROOT_ID && depth < 1000; depth++ {
		p := f.places[id]
		rel, id = filepath.Join(p.name, rel), p.parent
	}
	return filepath.Join(f.backing, rel)
}

// stored is the name by which a folder has what is called name.
func (f *fat) stored(parent uint64, name string) string {
	dir := f.folder(parent)
	if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
		return name
	}
	list, _ := os.ReadDir(dir)
	for _, e := range list {
		if strings.EqualFold(e.Name(), name) {
			return e.Name()
		}
	}
	return name
}

// noted hands on what an inode is, and remembers where it is.
func (f *fat) noted(parent uint64, name string, out *fuse.EntryOut, status fuse.Status) fuse.Status {
	if status == fuse.OK && out.NodeId != 0 {
		f.mu.Lock()
		f.places[out.NodeId] = place{parent, name}
		f.mu.Unlock()
	}
	plain(&out.Attr)
	return status
}

// plain makes attributes those of FAT.
func plain(a *fuse.Attr) {
	a.Mode = a.Mode&syscall.S_IFMT | fatPerm
	a.Mtime, a.Mtimensec = a.Mtime&^1, 0
	a.Ctime, a.Ctimensec = a.Ctime&^1, 0
	a.Nlink = 1
}

func (f *fat) Lookup(cancel <-chan struct{}, h *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	name = f.stored(h.NodeId, name)
	return f.noted(h.NodeId, name, out, f.RawFileSystem.Lookup(cancel, h, name, out))
}

func (f *fat) GetAttr(cancel <-chan struct{}, in *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	status := f.RawFileSystem.GetAttr(cancel, in, out)
	plain(&out.Attr)
	return status
}

// Statx makes the kernel ask with GetAttr.
func (f *fat) Statx(<-chan struct{}, *fuse.StatxIn, *fuse.StatxOut) fuse.Status { return fuse.ENOSYS }

// SetAttr ignores new permissions, as Linux does, and refuses other owners.
func (f *fat) SetAttr(cancel <-chan struct{}, in *fuse.SetAttrIn, out *fuse.AttrOut) fuse.Status {
	if uid, ok := in.GetUID(); ok && int(uid) != os.Getuid() {
		return fuse.EPERM
	}
	in.Valid &^= fuse.FATTR_MODE | fuse.FATTR_UID | fuse.FATTR_GID
	status := f.RawFileSystem.SetAttr(cancel, in, out)
	plain(&out.Attr)
	return status
}

func (f *fat) Mknod(cancel <-chan struct{}, in *fuse.MknodIn, name string, out *fuse.EntryOut) fuse.Status {
	if in.Mode&syscall.S_IFMT != syscall.S_IFREG {
		return fuse.EPERM
	}
	if forbidden(name) {
		return fuse.EINVAL
	}
	name = f.stored(in.NodeId, name)
	return f.noted(in.NodeId, name, out, f.RawFileSystem.Mknod(cancel, in, name, out))
}

func (f *fat) Mkdir(cancel <-chan struct{}, in *fuse.MkdirIn, name string, out *fuse.EntryOut) fuse.Status {
	if forbidden(name) {
		return fuse.EINVAL
	}
	name = f.stored(in.NodeId, name)
	in.Mode = fatPerm
	return f.noted(in.NodeId, name, out, f.RawFileSystem.Mkdir(cancel, in, name, out))
}

func (f *fat) Create(cancel <-chan struct{}, in *fuse.CreateIn, name string, out *fuse.CreateOut) fuse.Status {
	if forbidden(name) {
		return fuse.EINVAL
	}
	name = f.stored(in.NodeId, name)
	in.Mode = fatPerm
	return f.noted(in.NodeId, name, &out.EntryOut, f.RawFileSystem.Create(cancel, in, name, out))
}

func (f *fat) Tmpfile(<-chan struct{}, *fuse.CreateIn, *fuse.CreateOut) fuse.Status {
	return fuse.Status(syscall.EOPNOTSUPP)
}

func (f *fat) Link(<-chan struct{}, *fuse.LinkIn, string, *fuse.EntryOut) fuse.Status {
	return fuse.EPERM
}

func (f *fat) Symlink(<-chan struct{}, *fuse.InHeader, string, string, *fuse.EntryOut) fuse.Status {
	return fuse.EPERM
}

func (f *fat) Unlink(cancel <-chan struct{}, h *fuse.InHeader, name string) fuse.Status {
	return f.RawFileSystem.Unlink(cancel, h, f.stored(h.NodeId, name))
}

func (f *fat) Rmdir(cancel <-chan struct{}, h *fuse.InHeader, name string) fuse.Status {
	return f.RawFileSystem.Rmdir(cancel, h, f.stored(h.NodeId, name))
}

// Rename may change the case of a name.
func (f *fat) Rename(cancel <-chan struct{}, in *fuse.RenameIn, from, to string) fuse.Status {
	if forbidden(to) {
		return fuse.EINVAL
	}
	from = f.stored(in.NodeId, from)
	if in.NodeId != in.Newdir || !strings.EqualFold(from, to) {
		to = f.stored(in.Newdir, to)
	}
	status := f.RawFileSystem.Rename(cancel, in, from, to)
	if status == fuse.OK {
		f.mu.Lock()
		defer f.mu.Unlock()
		for id, p := range f.places {
			if p == (place{in.NodeId, from}) {
				f.places[id] = place{in.Newdir, to}
			}
		}
	}
	return status
}
