// Package slowfs is a loop-back FUSE file system that shows a local folder as a
// parallel file system would: each metadata operation waits for its answer, as
// long as a profile says, and is counted. It stands in for Lustre, GPFS and NFS
// in benchmarks and tests. It knows nothing of git or datasets.
//
// Entries and attributes are never kept by the kernel, so that every operation
// is seen: a path of four components costs four lookups and a question for the
// attributes. A client whose locks nobody revokes asks for less. Locks of files
// are the kernel's own. Only the user who mounts it may use it; permissions are
// those of that user in the backing folder. It may also show the folder as FAT
// would, with what a USB stick lacks.
//
// Serve it from a process of its own: a program that starts children while it
// serves the file system they work on can wait for itself for ever.
package slowfs

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// Options say what to mount where.
type Options struct {
	Backing string // the folder that is shown
	Mount   string // an existing empty folder
	Profile Profile
	Seed    uint64 // of the latencies
	FAT     bool   // show the folder as FAT would: see fat
}

// Mounted is a file system that is being served.
type Mounted struct {
	server *fuse.Server
	slow   *slow
}

// Mount begins to serve. It needs /dev/fuse, and root or fusermount.
func Mount(o Options) (*Mounted, error) {
	root, err := fs.NewLoopbackRoot(o.Backing)
	if err != nil {
		return nil, fmt.Errorf("mount %s: %w", o.Backing, err)
	}
	var never time.Duration
	options := &fs.Options{EntryTimeout: &never, AttrTimeout: &never, NegativeTimeout: &never,
		MountOptions: fuse.MountOptions{
			DirectMount: os.Geteuid() == 0,
			FsName:      "slowfs-" + o.Profile.Name, Name: "slowfs", MaxBackground: 512, DisableXAttrs: true,
			DisableReadDirPlus: o.FAT,
		}}
	below := fs.NewNodeFS(root, options)
	if o.FAT {
		below = newFAT(below, o.Backing)
	}
	s := &slow{RawFileSystem: below, clock: newClock(o.Profile, o.Seed),
		cache: newStatCache(o.Profile.StatCache), sleep: pause}
	server, err := fuse.NewServer(s, o.Mount, &options.MountOptions)
	if err != nil {
		return nil, fmt.Errorf("mount on %s: %w", o.Mount, err)
	}
	go server.Serve()
	if err := server.WaitMount(); err != nil {
		return nil, errors.Join(fmt.Errorf("mount on %s: %w", o.Mount, err), server.Unmount())
	}
	return &Mounted{server, s}, nil
}

// Counts tells what was asked for since the mount.
func (m *Mounted) Counts() Counts { return m.slow.counts.snapshot() }

// Unmount ends the service. It fails while files are open.
func (m *Mounted) Unmount() error { return m.server.Unmount() }
