package annex

import (
	"io"
	"io/fs"
	"os"
	"sync"
	"syscall"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/pointer"
)

// Guard finds out about objects that somebody has written to: with annex.thin
// an unlocked file of the work tree is its object, and so takes the content of
// the old key away when it is edited. It is safe for concurrent use; a nil
// Guard trusts every object.
type Guard struct {
	thin   bool
	index  string // path of git's index
	format gitobj.Format

	mu       sync.Mutex
	verified map[uint32][]verifiedState // by inode; nil until asked for
	verdicts map[verdictOn]bool
}

// verifiedState is a state of a file in which it had the content of the key
// whose pointer is pointer: git's index has it from the clean filter.
type verifiedState struct {
	stat    gitindex.Stat
	pointer gitobj.OID
}

// verdictOn is what a check was about.
type verdictOn struct {
	key  string
	stat gitindex.Stat
}

// NewGuard makes the guard of a repository with the configuration, whose index
// is the file at the path.
func NewGuard(cfg *git.Config, index string, format gitobj.Format) *Guard {
	return &Guard{
		thin:  cfg.Bool("annex.thin", false) && !cfg.Bool("annex.crippledfilesystem", false),
		index: index, format: format, verdicts: map[verdictOn]bool{},
	}
}

// Intact reports whether the object, a regular file, can be relied on. One that
// nobody can write to is not looked at, nor is one that is in a state that git
// has compared with the key; another one is hashed, once for each state.
func (g *Guard) Intact(object string, fi fs.FileInfo, k annexkey.Key) bool {
	if g == nil || !g.exposed(fi) {
		return true
	}
	if k.Size >= 0 && fi.Size() != k.Size {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	stat := gitindex.StatOf(fi)
	on := verdictOn{k.String(), stat}
	intact, known := g.verdicts[on]
	if !known {
		intact = g.recorded(stat, k) || hasContent(object, k)
		g.verdicts[on] = intact
	}
	return intact
}

// exposed reports whether a file of the work tree is or was the object.
func (g *Guard) exposed(fi fs.FileInfo) bool {
	shared, writable := !SingleLink(fi), fi.Mode().Perm()&0o222 != 0
	return writable && shared || g.thin && (writable || shared)
}

// recorded looks for the state in git's index.
func (g *Guard) recorded(stat gitindex.Stat, k annexkey.Key) bool {
	if g.verified == nil {
		g.verified = g.readIndex()
	}
	if len(g.verified[stat.Ino]) == 0 {
		return false
	}
	id := g.format.HashObject("blob", pointer.Format(k))
	for _, v := range g.verified[stat.Ino] {
		// The change time is that of the last link, too.
		if v.pointer == id && v.stat.Same(stat, gitindex.Check{IgnoreCTime: true}) {
			return true
		}
	}
	return false
}

// readIndex returns the states that the index can be trusted about; none where
// it cannot be read.
func (g *Guard) readIndex() map[uint32][]verifiedState {
	states := map[uint32][]verifiedState{}
	index, err := gitindex.Open(g.index, g.format)
	if err != nil {
		return states
	}
	index.Walk(func(r *gitindex.Raw) bool {
		if s := r.Stat(); r.Mode().IsRegular() && r.Stage() == 0 && s.MTime.Sec != 0 && !s.IsRacy(index.MTime()) {
			states[s.Ino] = append(states[s.Ino], verifiedState{s, gitobj.FromBytes(r.OID())})
		}
		return true
	})
	return states
}

// hasContent hashes the object. A key without a hash has any content of its
// size, as for git-annex.
func hasContent(object string, k annexkey.Key) bool {
	h, ok := k.Hasher()
	if !ok {
		return true
	}
	f, err := os.Open(object)
	if err != nil {
		return false
	}
	defer f.Close()
	_, err = io.Copy(h, f)
	return err == nil && k.Verify(h.Sum(nil))
}

// SingleLink reports whether the file is known to have one name only.
func SingleLink(fi fs.FileInfo) bool {
	st, ok := fi.Sys().(*syscall.Stat_t)
	return ok && st.Nlink == 1
}
