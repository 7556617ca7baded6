package annexcmd

import (
	"context"
	"os"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/gitindex"
)

// LoggedKeys calls visit for every key that the git-annex branch has a location
// log of, and those that only the journal knows, each once.
func (s *Session) LoggedKeys(ctx context.Context, visit func(annexkey.Key) error) error {
	seen := map[annexkey.Key]bool{}
	take := func(path string) error {
		k, suffix, ok := annexlog.ParseKeyPath(path)
		if !ok || suffix != annexlog.LocationSuffix || seen[k] || k.Safe() != nil {
			return nil
		}
		seen[k] = true
		return visit(k)
	}
	tip, err := s.D.Repo.Ref(ctx, annex.BranchRef)
	if err != nil {
		return err
	}
	if tip != "" {
		if err := s.treePaths(ctx, string(tip), func(e gitindex.Entry) error { return take(e.Path) }); err != nil {
			return err
		}
	}
	for _, p := range s.D.Annex.JournalPaths() {
		if err := take(p); err != nil {
			return err
		}
	}
	for _, p := range s.order {
		if err := take(p); err != nil {
			return err
		}
	}
	return nil
}

// IsDead reports whether a key is nowhere and nobody shall miss it.
func (s *Session) IsDead(ctx context.Context, k annexkey.Key) (bool, error) {
	data, err := s.Log(ctx, annexlog.LocationPath(k))
	return annexlog.ParsePresence(data).Dead(), err
}

// treePaths visits all files of a commit's tree.
func (s *Session) treePaths(ctx context.Context, commit string, visit func(gitindex.Entry) error) error {
	return s.D.TreePaths(ctx, commit, visit)
}

// TreeFiles visits the annexed files of a commit or tree.
func (s *Session) TreeFiles(ctx context.Context, treeish string, visit func(File) error) error {
	return s.treePaths(ctx, treeish, func(e gitindex.Entry) error {
		k, ok, err := s.blobKey(ctx, e)
		if err != nil || !ok {
			return err
		}
		return visit(File{Rel: e.Path, Show: e.Path, Key: k, Entry: e, Input: []string{treeish}})
	})
}

// blobKey is the key of a committed file.
func (s *Session) blobKey(ctx context.Context, e gitindex.Entry) (annexkey.Key, bool, error) {
	return s.D.BlobKey(ctx, e.Mode, e.OID)
}

// LocalKeys visits every key whose content is here.
func (s *Session) LocalKeys(visit func(k annexkey.Key, size int64) error) error {
	return walkObjects(s.D.Annex.Dir("objects"), 3, visit)
}

// walkObjects goes down through hash folders to the folders of keys.
func walkObjects(dir string, depth int, visit func(annexkey.Key, int64) error) error {
	entries, err := os.ReadDir(dir)
	if missing(err) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := dir + "/" + e.Name()
		if k, err := annexkey.FromFile(e.Name()); err == nil && e.IsDir() {
			if fi, err := os.Lstat(path + "/" + e.Name()); err == nil && fi.Mode().IsRegular() {
				if err := visit(k, fi.Size()); err != nil {
					return err
				}
			}
			continue
		}
		if e.IsDir() && depth > 1 {
			if err := walkObjects(path, depth-1, visit); err != nil {
				return err
			}
		}
	}
	return nil
}
