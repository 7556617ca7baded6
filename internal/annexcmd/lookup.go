package annexcmd

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/gitindex"
)

// Now is the time for log lines.
func (s *Session) Now() annexlog.Clock { return s.clock() }

// TreeFile is the annexed file at a path of a commit or tree.
func (s *Session) TreeFile(ctx context.Context, treeish, path string) (f File, ok bool, err error) {
	rel, err := s.D.Rel(path)
	if err != nil {
		return f, false, err
	}
	err = s.treePaths(ctx, treeish, func(e gitindex.Entry) error {
		if e.Path == rel {
			f = File{Rel: rel, Show: s.show(rel), Entry: e}
			f.Key, ok, err = s.blobKey(ctx, e)
		}
		return err
	})
	return f, ok, err
}

// ContentLocation is where the key's content lies, relative to the user's
// folder.
func (s *Session) ContentLocation(k annexkey.Key) (string, bool) {
	path, ok := s.D.Annex.Locate(k)
	if !ok {
		return "", false
	}
	rel, err := filepath.Rel(s.D.Env.Cwd, path)
	if err != nil {
		return path, true
	}
	return rel, true
}

// CalcKey is the key that a file would have; backend "" is that of the path.
func (s *Session) CalcKey(ctx context.Context, path, backend string) (annexkey.Key, error) {
	b, err := s.backendFor(path, backend)
	if err != nil {
		return annexkey.Key{}, err
	}
	k, _, err := annex.Hash(ctx, path, filepath.Base(path), b, s.D.ExtRule())
	return k, err
}

// backendFor is the backend by name, or the one for a path.
func (s *Session) backendFor(path, name string) (annexkey.Backend, error) {
	if name != "" {
		b, err := annexkey.LookupBackend(name)
		if err == nil && b.New() == nil {
			err = fmt.Errorf("backend %s cannot make keys for files here", name)
		}
		return b, err
	}
	rel, err := s.D.Rel(path)
	if err != nil {
		rel = filepath.Base(path)
	}
	return s.D.Backend(rel)
}

// MigrateName is the key with the same hash under another backend: with an
// extension, or without one.
func MigrateName(k annexkey.Key, backend, name string, rule annexkey.ExtRule) (annexkey.Key, error) {
	b, err := annexkey.LookupBackend(backend)
	if err != nil {
		return k, err
	}
	plain := func(n string) string {
		if l := len(n); l > 0 && n[l-1] == 'E' {
			return n[:l-1]
		}
		return n
	}
	if plain(k.Backend) != plain(backend) {
		return k, nil // it would have to be hashed again
	}
	hash := k.Name[:len(k.Name)-len(k.Ext())]
	k.Backend = backend
	k.Name = hash
	if b.HasExt() {
		k.Name += annexkey.Extension(filepath.Base(name), rule)
	}
	return k, nil
}

// CheckPresent looks whether a remote has the key now; without a remote
// whether any of those that have it by the logs does.
func (s *Session) CheckPresent(ctx context.Context, k annexkey.Key, name string) (bool, error) {
	r, err := s.Repositories(ctx)
	if err != nil {
		return false, err
	}
	if name != "" {
		p, err := r.Peer(name)
		if err != nil {
			return false, err
		}
		if p.Remote == nil {
			return false, p.Err
		}
		return p.Remote.Present(ctx, k)
	}
	where, err := s.Locations(ctx, r, annexlog.LocationPath(k))
	if err != nil {
		return false, err
	}
	for _, p := range r.Peers {
		if p.Remote == nil || !contains(where, p.UUID()) {
			continue
		}
		if ok, perr := p.Remote.Present(ctx, k); ok {
			return true, nil
		} else if perr != nil {
			err = perr
		}
	}
	return false, err
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}
