package fsx

import (
	"runtime"
	"sync"
)

// manyCalls is how many system calls are under way at once between the calls of
// ManyCalls and done.
const manyCalls = 8

var waiting struct {
	sync.Mutex
	users int
	procs int // as it was
}

// ManyCalls is for stretches in which goroutines change many names: such a
// call may wait for a disk or a server. The runtime sees only after a while that
// a call waits, and lets none begin in its place until then; on a machine with
// two processors that makes two calls at once. It is for the whole process, and
// ends with the last done.
func ManyCalls() (done func()) {
	waiting.Lock()
	defer waiting.Unlock()
	if waiting.users++; waiting.users == 1 {
		if waiting.procs = runtime.GOMAXPROCS(0); waiting.procs < manyCalls {
			runtime.GOMAXPROCS(manyCalls)
		}
	}
	return sync.OnceFunc(func() {
		waiting.Lock()
		defer waiting.Unlock()
		if waiting.users--; waiting.users == 0 && waiting.procs < manyCalls {
			runtime.GOMAXPROCS(waiting.procs)
		}
	})
}
