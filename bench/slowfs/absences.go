package slowfs

import "sync"

// absences are the names that were looked for in vain.
type absences struct {
	mu    sync.Mutex
	names map[absence]bool
}

type absence struct {
	parent uint64
	name   string
}

// maxAbsences bounds what is remembered.
const maxAbsences = 1 << 16

func (a *absences) note(parent uint64, name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.names == nil || len(a.names) > maxAbsences {
		a.names = map[absence]bool{}
	}
	a.names[absence{parent, name}] = true
}

// forget reports whether the name was noted.
func (a *absences) forget(parent uint64, name string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	was := a.names[absence{parent, name}]
	delete(a.names, absence{parent, name})
	return was
}
