package local

import (
	"sync"
	"syscall"
)

// pruner removes emptied folders that all lie in the same one, beside other work.
// The kernel lets only one process at a time change a folder, until the disk has
// taken back what a removed one occupied: several that delete keys would mostly
// wait for each other.
type pruner struct {
	mu   sync.Mutex
	dirs []string
	end  bool
	wake chan struct{} // one place: there is more to do, or no more will come
	done chan struct{} // closed when all is done
}

func newPruner() *pruner {
	p := &pruner{wake: make(chan struct{}, 1), done: make(chan struct{})}
	go p.run()
	return p
}

// remove has a folder removed, if it is empty then, before finish returns. It
// does not wait.
func (p *pruner) remove(dir string) {
	p.mu.Lock()
	p.dirs = append(p.dirs, dir)
	p.mu.Unlock()
	p.signal()
}

// finish returns when all is removed. No more may come.
func (p *pruner) finish() {
	p.mu.Lock()
	p.end = true
	p.mu.Unlock()
	p.signal()
	<-p.done
}

func (p *pruner) signal() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *pruner) run() {
	defer close(p.done)
	for end := false; !end; {
		<-p.wake
		p.mu.Lock()
		var dirs []string
		dirs, p.dirs, end = p.dirs, nil, p.end
		p.mu.Unlock()
		for _, dir := range dirs {
			syscall.Rmdir(dir)
		}
	}
}
