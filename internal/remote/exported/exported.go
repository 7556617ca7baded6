// Package exported is a remote that holds exported trees: files lie there under
// their own names, so that a key is found through the trees that the git-annex
// branch says were exported. It reads and never writes: trees come there by an
// export as a whole.
package exported

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"sync"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/remote"
)

// Remote finds keys in a place that keeps trees.
type Remote struct {
	setup remote.Setup
	store remote.Exporter
	may   func(annexkey.Key) error // refuses content that must not come from there
	kept  remote.Locker            // finds content that the tree no longer has, too; nil where none is kept
	mu    sync.Mutex
	paths map[annexkey.Key][]string // nil until it is needed
}

// New returns the remote over the storage. may refuses keys whose content must
// not come from a place in which anybody may have put something else.
func New(s remote.Setup, store remote.Exporter, may func(annexkey.Key) error) *Remote {
	r := &Remote{setup: s, store: store, may: may}
	if a, ok := store.(remote.Archive); ok {
		r.kept = a.Kept()
	}
	return r
}

// Name returns the remote's name in our configuration.
func (r *Remote) Name() string { return r.setup.Name }

// UUID returns the remote's identity.
func (r *Remote) UUID() string { return r.setup.UUID }

// Tree is the storage itself.
func (r *Remote) Tree() remote.Exporter { return r.store }

// Describe implements remote.Describer.
func (r *Remote) Describe() [][2]string {
	if d, ok := r.store.(interface{ Describe() [][2]string }); ok {
		return d.Describe()
	}
	return nil
}

// Addresses implements remote.Addresser. Addresses in the tree are those of
// whatever is there, so that only kept content has any.
func (r *Remote) Addresses(ctx context.Context, k annexkey.Key) ([]string, error) {
	p, ok := r.kept.(remote.Addresser)
	if !ok {
		return nil, nil
	}
	return p.Addresses(ctx, k)
}

// files lists where the key should be.
func (r *Remote) files(ctx context.Context, k annexkey.Key) ([]remote.TreeFile, error) {
	paths, err := r.index(ctx)
	if err != nil || len(paths[k]) == 0 {
		return nil, err
	}
	var ids []string
	if _, ok := r.store.(remote.Importer); ok {
		log, err := r.setup.Logs.Read(ctx, annexlog.KeyPath(k, annexlog.ContentIDSuffix))
		if err != nil {
			return nil, err
		}
		ids = annexlog.ParseContentIDs(log).Of(r.setup.UUID)
	}
	var files []remote.TreeFile
	for _, p := range paths[k] {
		files = append(files, remote.TreeFile{Path: p, Key: k, IDs: ids})
	}
	return files, nil
}

// index reads the exported trees, once.
func (r *Remote) index(ctx context.Context) (map[annexkey.Key][]string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.paths != nil {
		return r.paths, nil
	}
	log, err := r.setup.Logs.Read(ctx, annexlog.ExportFile)
	if err != nil {
		return nil, err
	}
	paths := map[annexkey.Key][]string{}
	for _, tree := range annexlog.ParseExports(log).Trees(r.setup.UUID, "") {
		err := r.setup.Trees(ctx, tree, func(path string, k annexkey.Key) error {
			if remote.CheckTreePath(path) == nil {
				paths[k] = append(paths[k], path)
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("remote %s: the tree that was exported: %w", r.setup.Name, err)
		}
	}
	r.paths = paths
	return paths, nil
}

// Present implements remote.Remote.
func (r *Remote) Present(ctx context.Context, k annexkey.Key) (bool, error) {
	if r.kept != nil {
		return r.kept.Present(ctx, k)
	}
	files, err := r.files(ctx, k)
	if err != nil || len(files) == 0 {
		return false, err
	}
	there, err := r.store.HasFiles(ctx, files)
	for _, ok := range there {
		if ok {
			return true, err
		}
	}
	return false, err
}

// Fetch implements remote.Remote.
func (r *Remote) Fetch(ctx context.Context, k annexkey.Key, dst string, h hash.Hash) error {
	if err := r.may(k); err != nil {
		return err
	}
	if r.kept == nil {
		return r.fetchFile(ctx, k, dst, h)
	}
	err := r.kept.Fetch(ctx, k, dst, h)
	if err == nil || ctx.Err() != nil {
		return err
	}
	if ferr := r.fetchFile(ctx, k, dst, h); !errors.Is(ferr, remote.ErrAbsent) {
		return ferr
	}
	return err
}

// fetchFile looks for the content where the tree has it.
func (r *Remote) fetchFile(ctx context.Context, k annexkey.Key, dst string, h hash.Hash) error {
	files, err := r.files(ctx, k)
	if err != nil {
		return err
	}
	err = remote.ErrAbsent
	for _, f := range files {
		if h != nil {
			h.Reset()
		}
		if err = r.store.FetchFile(ctx, f, dst, h); err == nil || !errors.Is(err, remote.ErrAbsent) && !errors.Is(err, remote.ErrChanged) {
			return err
		}
	}
	return err
}

// Lock implements remote.Locker, where content is kept for good.
func (r *Remote) Lock(ctx context.Context, k annexkey.Key) (remote.Lock, error) {
	if r.kept == nil {
		return nil, remote.ErrNoLock
	}
	return r.kept.Lock(ctx, k)
}

// Store implements remote.Keeper: it refuses.
func (r *Remote) Store(context.Context, annexkey.Key, remote.Content) error {
	if !r.setup.Yes("exporttree") {
		return fmt.Errorf("remote %s is configured with importtree=yes and without exporttree=yes; cannot modify content stored on it", r.setup.Name)
	}
	return errs.WithHint(fmt.Errorf("remote %s is configured with exporttree=yes; use `git-annex export` to store content on it", r.setup.Name),
		"stemma annex export TREE --to %s", r.setup.Name)
}

// Remove implements remote.Keeper: it refuses.
func (r *Remote) Remove(context.Context, annexkey.Key) error {
	if !r.setup.Yes("exporttree") {
		return errors.New("dropping content from this remote is not supported because it is configured with importtree=yes")
	}
	return errors.New("dropping content from an export is not supported; use `git annex export` to export a tree that lacks the files you want to remove")
}
