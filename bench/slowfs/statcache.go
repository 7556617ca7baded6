package slowfs

import (
	"container/list"
	"sync"
)

// statCache remembers which inodes were asked for last.
type statCache struct {
	size  int
	mu    sync.Mutex
	order *list.List // most recent first
	known map[uint64]*list.Element
}

func newStatCache(size int) *statCache {
	return &statCache{size: size, order: list.New(), known: map[uint64]*list.Element{}}
}

// hit reports whether the inode is known, and remembers it.
func (c *statCache) hit(ino uint64) bool {
	if c.size == 0 {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.known[ino]; ok {
		c.order.MoveToFront(e)
		return true
	}
	c.known[ino] = c.order.PushFront(ino)
	if last := c.order.Back(); c.order.Len() > c.size {
		delete(c.known, c.order.Remove(last).(uint64))
	}
	return false
}
