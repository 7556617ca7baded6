package main

import (
	"bytes"
	"encoding/binary"
	"path/filepath"
	"syscall"
	"time"
)

const locked = "index.lock"

// holdsOf runs work and returns for how long each index.lock that appeared in the
// repository stood there, by the kernel's notifications.
func holdsOf(repo string, work func() error) ([]time.Duration, error) {
	fd, err := syscall.InotifyInit1(syscall.IN_CLOEXEC)
	if err != nil {
		return nil, err
	}
	defer syscall.Close(fd)
	events := uint32(syscall.IN_CREATE | syscall.IN_DELETE | syscall.IN_MOVED_FROM)
	watched, err := syscall.InotifyAddWatch(fd, filepath.Join(repo, ".git"), events)
	if err != nil {
		return nil, err
	}
	result := make(chan []time.Duration)
	go func() { result <- follow(fd) }()
	err = work()
	// Removing the watch sends the event that ends follow.
	if _, removed := syscall.InotifyRmWatch(fd, uint32(watched)); err == nil {
		err = removed
	}
	return <-result, err
}

// follow reads events until the watch is removed.
func follow(fd int) (held []time.Duration) {
	var since time.Time
	buf := make([]byte, 64<<10)
	for {
		n, err := syscall.Read(fd, buf)
		if err != nil || n <= 0 {
			return held
		}
		now := time.Now()
		for rest := buf[:n]; len(rest) >= syscall.SizeofInotifyEvent; {
			mask := binary.NativeEndian.Uint32(rest[4:])
			end := syscall.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(rest[12:]))
			name := string(bytes.TrimRight(rest[syscall.SizeofInotifyEvent:end], "\x00"))
			rest = rest[end:]
			switch {
			case mask&syscall.IN_IGNORED != 0:
				return held
			case name != locked:
			case mask&syscall.IN_CREATE != 0:
				since = now
			case !since.IsZero():
				held, since = append(held, now.Sub(since)), time.Time{}
			}
		}
	}
}
