package slowfs

import (
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// slow delays and counts what it hands on to another file system.
type slow struct {
	fuse.RawFileSystem
	clock  *clock
	cache  *statCache
	absent absences
	counts counters
	sleep  func(time.Duration)
}

// ask counts one operation and waits as long as its answer would take.
func (s *slow) ask(c Class) {
	s.counts[c].Add(1)
	if d := s.clock.draw(c); d > 0 {
		s.sleep(d)
	}
}

// fills is ask for an operation that makes a name. The kernel has looked before
// whether it is there; other clients do both in one question.
func (s *slow) fills(c Class, parent uint64, name string) {
	if s.absent.forget(parent, name) {
		s.counts[Absent].Add(-1)
		s.counts[Lookup].Add(1)
	}
	s.ask(c)
}

// look is ask for a question about an inode that the client may know.
func (s *slow) look(c Class, ino uint64, status fuse.Status) {
	if status == fuse.OK && s.cache.hit(ino) {
		s.counts[c].Add(1)
		return
	}
	s.ask(c)
}

func (s *slow) Lookup(cancel <-chan struct{}, h *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	status := s.RawFileSystem.Lookup(cancel, h, name, out)
	if status == fuse.ENOENT || status == fuse.OK && out.NodeId == 0 {
		s.absent.note(h.NodeId, name)
		s.ask(Absent)
		return status
	}
	s.look(Lookup, out.Attr.Ino, status)
	return status
}

func (s *slow) GetAttr(cancel <-chan struct{}, in *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	status := s.RawFileSystem.GetAttr(cancel, in, out)
	s.look(Stat, out.Attr.Ino, status)
	return status
}

func (s *slow) Statx(cancel <-chan struct{}, in *fuse.StatxIn, out *fuse.StatxOut) fuse.Status {
	status := s.RawFileSystem.Statx(cancel, in, out)
	if status == fuse.ENOSYS {
		return status // the kernel asks again with GetAttr
	}
	s.look(Stat, out.Statx.Ino, status)
	return status
}

func (s *slow) Access(cancel <-chan struct{}, in *fuse.AccessIn) fuse.Status {
	s.ask(Stat)
	return s.RawFileSystem.Access(cancel, in)
}

func (s *slow) SetAttr(cancel <-chan struct{}, in *fuse.SetAttrIn, out *fuse.AttrOut) fuse.Status {
	s.ask(Setattr)
	return s.RawFileSystem.SetAttr(cancel, in, out)
}

func (s *slow) Mknod(cancel <-chan struct{}, in *fuse.MknodIn, name string, out *fuse.EntryOut) fuse.Status {
	s.fills(Create, in.NodeId, name)
	return s.RawFileSystem.Mknod(cancel, in, name, out)
}

func (s *slow) Create(cancel <-chan struct{}, in *fuse.CreateIn, name string, out *fuse.CreateOut) fuse.Status {
	s.fills(Create, in.NodeId, name)
	return s.RawFileSystem.Create(cancel, in, name, out)
}

func (s *slow) Tmpfile(cancel <-chan struct{}, in *fuse.CreateIn, out *fuse.CreateOut) fuse.Status {
	s.ask(Create)
	return s.RawFileSystem.Tmpfile(cancel, in, out)
}

func (s *slow) Link(cancel <-chan struct{}, in *fuse.LinkIn, name string, out *fuse.EntryOut) fuse.Status {
	s.fills(Create, in.NodeId, name)
	return s.RawFileSystem.Link(cancel, in, name, out)
}

func (s *slow) Symlink(cancel <-chan struct{}, h *fuse.InHeader, target, name string, out *fuse.EntryOut) fuse.Status {
	s.fills(Create, h.NodeId, name)
	return s.RawFileSystem.Symlink(cancel, h, target, name, out)
}

func (s *slow) Mkdir(cancel <-chan struct{}, in *fuse.MkdirIn, name string, out *fuse.EntryOut) fuse.Status {
	s.fills(Mkdir, in.NodeId, name)
	return s.RawFileSystem.Mkdir(cancel, in, name, out)
}

func (s *slow) Unlink(cancel <-chan struct{}, h *fuse.InHeader, name string) fuse.Status {
	s.ask(Unlink)
	return s.RawFileSystem.Unlink(cancel, h, name)
}

func (s *slow) Rmdir(cancel <-chan struct{}, h *fuse.InHeader, name string) fuse.Status {
	s.ask(Unlink)
	return s.RawFileSystem.Rmdir(cancel, h, name)
}

func (s *slow) Rename(cancel <-chan struct{}, in *fuse.RenameIn, from, to string) fuse.Status {
	s.fills(Rename, in.Newdir, to)
	return s.RawFileSystem.Rename(cancel, in, from, to)
}

func (s *slow) Readlink(cancel <-chan struct{}, h *fuse.InHeader) ([]byte, fuse.Status) {
	s.ask(Readlink)
	return s.RawFileSystem.Readlink(cancel, h)
}

func (s *slow) Open(cancel <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	s.ask(Open)
	return s.RawFileSystem.Open(cancel, in, out)
}

func (s *slow) OpenDir(cancel <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	s.ask(Readdir)
	return s.RawFileSystem.OpenDir(cancel, in, out)
}

func (s *slow) ReadDir(cancel <-chan struct{}, in *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	s.ask(Readdir)
	return s.RawFileSystem.ReadDir(cancel, in, out)
}

func (s *slow) ReadDirPlus(cancel <-chan struct{}, in *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	s.ask(Readdir)
	return s.RawFileSystem.ReadDirPlus(cancel, in, out)
}

func (s *slow) Fsync(cancel <-chan struct{}, in *fuse.FsyncIn) fuse.Status {
	s.ask(Fsync)
	return s.RawFileSystem.Fsync(cancel, in)
}

func (s *slow) FsyncDir(cancel <-chan struct{}, in *fuse.FsyncIn) fuse.Status {
	s.ask(Fsync)
	return s.RawFileSystem.FsyncDir(cancel, in)
}

func (s *slow) StatFs(cancel <-chan struct{}, h *fuse.InHeader, out *fuse.StatfsOut) fuse.Status {
	s.ask(Statfs)
	return s.RawFileSystem.StatFs(cancel, h, out)
}

func (s *slow) GetXAttr(cancel <-chan struct{}, h *fuse.InHeader, attr string, dest []byte) (uint32, fuse.Status) {
	s.ask(Xattr)
	return s.RawFileSystem.GetXAttr(cancel, h, attr, dest)
}

func (s *slow) Read(cancel <-chan struct{}, in *fuse.ReadIn, buf []byte) (fuse.ReadResult, fuse.Status) {
	s.ask(Data)
	return s.RawFileSystem.Read(cancel, in, buf)
}

func (s *slow) Write(cancel <-chan struct{}, in *fuse.WriteIn, data []byte) (uint32, fuse.Status) {
	s.ask(Data)
	return s.RawFileSystem.Write(cancel, in, data)
}
