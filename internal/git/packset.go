package git

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/stemma-data/stemma/internal/gitobj"
)

// packSet is the packs of a repository, which all who read objects without a
// process share until the repository is closed. It is safe for concurrent use.
type packSet struct {
	// inUse is held for reading by whoever looks into a pack.
	inUse sync.RWMutex

	mu     sync.Mutex
	listed bool
	stale  bool      // this process has written one since
	seen   time.Time // modification time of the folder when it was listed
	packs  []*pack
	gone   []*pack // which others have removed; a reader may still be at one
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

// newer looks again, if the folder has changed, and returns the packs that are not
// among those known.
func (s *packSet) newer(dir string, hash int, known []*pack) []*pack {
	s.mu.Lock()
	defer s.mu.Unlock()
	if fi, err := os.Stat(dir); err == nil && !fi.ModTime().Equal(s.seen) {
		s.look(dir, hash)
	}
	return slices.DeleteFunc(slices.Clone(s.packs), func(p *pack) bool { return slices.Contains(known, p) })
}

// isListed reports whether looking into the packs costs no question to the file
// system.
func (s *packSet) isListed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.listed
}

// changed says that the folder is to be looked at again.
func (s *packSet) changed() {
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
	open := map[string]*pack{}
	for _, p := range s.packs {
		open[p.name] = p
	}
	var packs []*pack // a new list: readers may be at the old one
	for _, name := range names {
		base, idx := strings.CutSuffix(name, ".idx")
		if !idx || !strings.HasPrefix(base, "pack-") {
			continue
		}
		p := open[base]
		if delete(open, base); p == nil {
			if p, err = openPack(filepath.Join(dir, name), hash); err != nil {
				continue
			}
			p.name = base
		}
		packs = append(packs, p)
	}
	for _, p := range open {
		s.gone = append(s.gone, p)
	}
	s.packs = packs
}

// close ends the use of the files.
func (s *packSet) close() {
	s.inUse.Lock()
	defer s.inUse.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range append(s.packs, s.gone...) {
		p.close()
	}
	s.packs, s.gone, s.listed = nil, nil, false
}

// packDir is where the packs lie.
func (r *Repo) packDir() string { return filepath.Join(r.CommonDir, "objects", "pack") }

// holds returns the pack that has the object, as far as it is known; nil: none.
func (o *objects) holds(raw []byte) *pack {
	if len(raw) != o.format.Size() {
		return nil
	}
	o.set.inUse.RLock()
	defer o.set.inUse.RUnlock()
	for _, p := range o.packs() {
		if _, ok, err := p.find(raw); err == nil && ok {
			return p
		}
	}
	return nil
}

// reliance is what new commits need of the packs that are there: somebody else may
// remove these meanwhile, with what no ref leads to.
type reliance struct {
	dir string
	on  map[*pack][]gitobj.OID
	bad map[*pack]bool // not to be relied on
}

// relyOn notes that a new object is not written since the pack has it, as git does:
// a pack with a new date is not old garbage. It is false where the pack is gone, or
// holds garbage.
func (r *reliance) relyOn(p *pack, id gitobj.OID) bool {
	if r.bad[p] {
		return false
	}
	if r.on[p] == nil && !r.freshen(p) {
		if r.bad == nil {
			r.bad = map[*pack]bool{}
		}
		r.bad[p] = true
		return false
	}
	if r.on == nil {
		r.on = map[*pack][]gitobj.OID{}
	}
	r.on[p] = append(r.on[p], id)
	return true
}

func (r *reliance) freshen(p *pack) bool {
	path := filepath.Join(r.dir, p.name)
	if _, err := os.Lstat(path + ".mtimes"); err == nil {
		return false // cruft
	}
	now := time.Now()
	err := os.Chtimes(path+".pack", now, now)
	return err == nil || !errors.Is(err, fs.ErrNotExist) && r.isThere(p)
}

func (r *reliance) isThere(p *pack) bool {
	_, err := os.Lstat(filepath.Join(r.dir, p.name+".pack"))
	return err == nil
}

// check returns an error if an object is not there any more that was relied on.
func (r *reliance) check(exists func(id gitobj.OID) (bool, error)) error {
	for p, ids := range r.on {
		if r.isThere(p) {
			continue
		}
		for _, id := range ids {
			if ok, err := exists(id); err != nil || !ok {
				return errors.Join(err, fmt.Errorf("object %s has gone meanwhile, probably by git gc: repeat the command", id))
			}
		}
	}
	return nil
}
