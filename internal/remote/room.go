package remote

import (
	"fmt"
	"sync"
	"syscall"
	"time"

	"github.com/stemma-data/stemma/internal/fsx"
)

// defaultReserve is git-annex's, in bytes.
const defaultReserve = 100_000_000

// NoReserve is the value of annex.diskreserve with which nobody looks whether
// content fits: that of a command with --force.
const NoReserve = "off"

// DiskReserve is how many bytes transfers leave free (annex.diskreserve); less than
// 0 where nobody looks.
func DiskReserve(s Settings) int64 {
	if s == nil {
		return defaultReserve
	}
	if s.Get("annex.diskreserve") == NoReserve {
		return -1
	}
	if n, ok := ParseSize(s.Get("annex.diskreserve")); ok && n >= 0 {
		return n
	}
	return defaultReserve
}

// Room keeps the disk on which a folder lies from becoming too full: who is about
// to write content there asks first. It is safe for concurrent use.
type Room struct {
	dir     string
	reserve int64

	mu       sync.Mutex
	underway int64     // bytes of content that is being written
	free     int64     // when it was looked at last
	at       time.Time // when that was
	idle     int64     // free bytes when nothing was being written
	since    int64     // what has been asked for from then on
}

// It is not looked again before roomAge, as long as roomSlack bytes are left.
const (
	roomAge   = time.Second
	roomSlack = 1 << 30
)

// NewRoom is the room in a folder, or in what it will be made in; nil where nobody
// looks.
func NewRoom(dir string, s Settings) *Room {
	reserve := DiskReserve(s)
	if reserve < 0 {
		return nil
	}
	return &Room{dir: dir, reserve: reserve}
}

// Take asks for n bytes, which done gives back when they are written, or never
// will be. It fails where less than the reserve would be left; the error is
// syscall.ENOSPC. Less than nothing is a size that is not known. A nil Room refuses
// nothing.
func (r *Room) Take(n int64) (done func(), err error) {
	if r == nil || n == 0 {
		return func() {}, nil
	}
	n = max(n, 1)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.look(n)
	// What is being written is partly written already, so that free - underway is
	// too little; idle - since is too much where others write, too.
	left := r.free - r.underway
	if quiet := r.idle - r.since; quiet > left {
		left = min(quiet, r.free)
	}
	if left-n < r.reserve {
		return nil, &noRoomError{r.dir, r.reserve + n - left}
	}
	r.underway += n
	r.since += n
	var once sync.Once
	return func() {
		once.Do(func() {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.underway -= n
		})
	}, nil
}

// look finds out how much is free, where that may matter.
func (r *Room) look(n int64) {
	now := time.Now()
	if now.Sub(r.at) < roomAge && r.free-r.underway-n-r.reserve > roomSlack {
		return
	}
	free, ok := fsx.Free(r.dir)
	if !ok {
		free = 1 << 62 // whoever writes will see
	}
	r.free, r.at = free, now
	if r.underway == 0 {
		r.idle, r.since = free, 0
	}
}

// noRoomError is that content would not fit.
type noRoomError struct {
	dir  string
	more int64
}

// Error begins with git-annex's words, which DataLad looks for.
func (e *noRoomError) Error() string {
	return fmt.Sprintf("not enough free space, need %s more in %s (make room, or adjust annex.diskreserve)", roughly(e.more), e.dir)
}

// Is makes it the error of a full disk.
func (e *noRoomError) Is(target error) bool { return target == syscall.ENOSPC }

func roughly(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d bytes", n)
	}
	size, units := float64(n)/1000, []string{"kB", "MB", "GB", "TB", "PB"}
	for size >= 1000 && len(units) > 1 {
		size, units = size/1000, units[1:]
	}
	return fmt.Sprintf("%.1f %s", size, units[0])
}
