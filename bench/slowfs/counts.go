package slowfs

import (
	"fmt"
	"strings"
	"sync/atomic"
)

// Class is a kind of operation.
type Class int

// The classes. Data is what moves content (read, write, flush, release) and is
// no metadata operation.
const (
	Lookup Class = iota // one component of a path, that is there
	Absent              // a component that is not there, and is not made by the same call
	Stat
	Open
	Create // of files, links and symlinks
	Unlink // also of folders
	Rename
	Mkdir
	Readdir // opening and each read of a folder
	Readlink
	Setattr
	Fsync
	Xattr
	Statfs
	Data
	classes
)

var classNames = [classes]string{"lookup", "absent", "stat", "open", "create", "unlink", "rename", "mkdir", "readdir", "readlink", "setattr", "fsync", "xattr", "statfs", "data"}

func (c Class) String() string { return classNames[c] }

// Counts is how many operations of each class were asked for.
type Counts [classes]int64

// Metadata is their sum without Data.
func (c Counts) Metadata() (sum int64) {
	for class, n := range c {
		if Class(class) != Data {
			sum += n
		}
	}
	return sum
}

// Paths is what a client asks that keeps the entries of folders it has seen:
// Metadata without the components of paths. A call that names a path, or an
// open file, is mostly one of them.
func (c Counts) Paths() int64 { return c.Metadata() - c[Lookup] }

// Minus is what happened since the earlier counts.
func (c Counts) Minus(earlier Counts) Counts {
	for i := range c {
		c[i] -= earlier[i]
	}
	return c
}

// String names the classes that occurred.
func (c Counts) String() string {
	parts := []string{fmt.Sprintf("metadata %d", c.Metadata())}
	for class, n := range c {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", Class(class), n))
		}
	}
	return strings.Join(parts, " ")
}

// counters are Counts that are still growing.
type counters [classes]atomic.Int64

func (c *counters) snapshot() (s Counts) {
	for i := range c {
		s[i] = c[i].Load()
	}
	return s
}
