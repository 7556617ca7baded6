package gitindex

import (
	"encoding/binary"
	"os"
)

// Time is a point in time as the index stores it: seconds since 1970, cut to
// 32 bits, and nanoseconds within the second.
type Time struct{ Sec, Nsec uint32 }

// IsZero reports whether t is unset.
func (t Time) IsZero() bool { return t == Time{} }

// Stat is the stat(2) data of an entry, each field cut to 32 bits.
type Stat struct {
	CTime, MTime             Time
	Dev, Ino, UID, GID, Size uint32
}

// Check says which fields Same compares; the zero value is git's default.
type Check struct {
	IgnoreCTime bool // core.trustCTime=false
	Minimal     bool // core.checkStat=minimal: whole seconds of mtime, and size
}

// Same reports whether a file whose stat data was s when it was hashed looks
// unchanged now, by git's rules: the device is left out (network file systems
// number it differently on each client), and so are nanoseconds that one side
// lacks. An entry that git has smudged (size 0) is never Same unless the file
// is empty; one that IsRacy must be compared by content.
func (s Stat) Same(now Stat, c Check) bool {
	if s.MTime.Sec != now.MTime.Sec || s.Size != now.Size {
		return false
	}
	if c.Minimal {
		return true
	}
	if !c.IgnoreCTime && !sameTime(s.CTime, now.CTime) {
		return false
	}
	return sameTime(s.MTime, now.MTime) && s.UID == now.UID && s.GID == now.GID && s.Ino == now.Ino
}

// IsRacy reports whether a later edit could hide behind s: the file was
// changed in the second in which (or after) the index or other witness was
// written at time t. A zero t knows of no race, as for git. Nanoseconds do
// not count, because common builds of git do not compare them.
func (s Stat) IsRacy(t Time) bool { return t.Sec != 0 && s.MTime.Sec >= t.Sec }

func sameTime(a, b Time) bool {
	return a.Sec == b.Sec && (a.Nsec == b.Nsec || a.Nsec == 0 || b.Nsec == 0)
}

// StatOf converts what os.Lstat returned. On systems without stat(2) only
// mtime and size are set.
func StatOf(fi os.FileInfo) Stat {
	s := Stat{
		MTime: Time{Sec: uint32(fi.ModTime().Unix()), Nsec: uint32(fi.ModTime().Nanosecond())},
		Size:  uint32(fi.Size()),
	}
	fillSys(&s, fi)
	return s
}

func decodeStat(b []byte) Stat {
	u := func(off int) uint32 { return binary.BigEndian.Uint32(b[off:]) }
	return Stat{
		CTime: Time{u(0), u(4)}, MTime: Time{u(8), u(12)},
		Dev: u(16), Ino: u(20), UID: u(28), GID: u(32), Size: u(36),
	}
}

// appendStat writes the fixed part up to the object id.
func appendStat(b []byte, s Stat, mode uint32) []byte {
	for _, v := range [...]uint32{
		s.CTime.Sec, s.CTime.Nsec, s.MTime.Sec, s.MTime.Nsec,
		s.Dev, s.Ino, mode, s.UID, s.GID, s.Size,
	} {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	return b
}
