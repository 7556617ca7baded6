package git

import (
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/stemma-data/stemma/internal/gitobj"
)

// packSet is the packs of a repository, which all who read objects without a
// process share until the repository is closed. It is safe for concurrent use.
type packSet struct {
	mu     sync.Mutex
	listed bool
	stale  bool      // this process has written one since
	seen   time.Time // modification time of the folder when it was listed
	names  map[string]bool
	packs  []*pack
}

// list returns the packs that were there when they were last looked for. Those
// of a form that only git knows are left out.
func (s *packSet) list(dir string, hash int) []*pack {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.listed || s.stale {
		s.look(dir, hash)
	}
	return s.packs
}

// newer returns the packs that have come since list returned so many.
func (s *packSet) newer(dir string, hash, known int) []*pack {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.packs) == known {
		if fi, err := os.Stat(dir); err == nil && !fi.ModTime().Equal(s.seen) {
			s.look(dir, hash)
		}
	}
	return s.packs[known:]
}

// isListed reports whether looking into the packs costs no question to the file
// system.
func (s *packSet) isListed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.listed
}

// grown says that there is a new one.
func (s *packSet) grown() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stale = true
}

func (s *packSet) look(dir string, hash int) {
	s.listed, s.stale = true, false
	f, err := os.Open(dir)
	if err != nil {
		return
	}
	defer f.Close()
	if fi, err := f.Stat(); err == nil {
		s.seen = fi.ModTime()
	}
	names, _ := f.Readdirnames(-1)
	slices.Sort(names)
	for _, name := range names {
		if ok, _ := filepath.Match("pack-*.idx", name); !ok || s.names[name] {
			continue
		}
		if p, err := openPack(filepath.Join(dir, name), hash); err == nil {
			if s.names == nil {
				s.names = map[string]bool{}
			}
			s.names[name] = true
			s.packs = append(s.packs, p)
		}
	}
}

// close ends the use of the files.
func (s *packSet) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.packs {
		p.close()
	}
	s.packs, s.names, s.listed = nil, nil, false
}

// packDir is where the packs lie.
func (r *Repo) packDir() string { return filepath.Join(r.CommonDir, "objects", "pack") }

// inPack reports whether a pack that is known already has the object.
func (o *objects) inPack(id gitobj.OID) bool {
	raw := id.Bytes()
	if len(raw) != o.format.Size() {
		return false
	}
	for _, p := range o.packs() {
		if _, ok, err := p.find(raw); err == nil && ok {
			return true
		}
	}
	return false
}
