package exporttree

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/stemma-data/stemma/internal/annexcmd"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/remote"
)

// file is a file of an exported tree.
type file struct {
	path    string
	entry   git.TreeEntry
	key     annexkey.Key // of the content; for git's own files one made of the blob's id
	annexed bool
}

// plainKey stands for content that git keeps itself, as git-annex writes it.
func plainKey(id gitobj.OID) annexkey.Key { return annexkey.New("GIT", string(id)) }

// keys finds the keys of files in trees. Each blob is read once.
type keys struct {
	s    *annexcmd.Session
	seen map[git.TreeEntry]file
}

// of is the file with its key; ok is false for what no export has: links that
// are not annexed, and subdatasets.
func (k *keys) of(ctx context.Context, path string, e git.TreeEntry) (f file, ok bool, err error) {
	if e.OID == "" || e.Mode == gitobj.ModeGitlink {
		return f, false, nil
	}
	f, known := k.seen[e]
	if !known {
		f = file{entry: e}
		if f.key, f.annexed, err = k.s.D.BlobKey(ctx, e.Mode, e.OID); err != nil {
			return f, false, err
		}
		if !f.annexed && e.Mode != gitobj.ModeSymlink {
			f.key = plainKey(e.OID)
		}
		k.seen[e] = f
	}
	f.path = path
	return f, !f.key.IsZero(), nil
}

// resolve finds the tree that the user names.
func resolve(ctx context.Context, s *annexcmd.Session, name string) (gitobj.OID, error) {
	unknown := errs.WithHint(fmt.Errorf("unknown tree %s", name), "name a branch, a commit, a tree, or BRANCH:FOLDER")
	if name == "" || strings.HasPrefix(name, "-") || strings.ContainsAny(name, "\n\x00") {
		return "", unknown
	}
	if !strings.Contains(name, ":") {
		name += "^{tree}"
	}
	out, err := s.D.Repo.Output(ctx, "rev-parse", "--verify", "--quiet", name)
	if git.ExitCode(err) > 0 {
		return "", unknown
	}
	if err != nil {
		return "", err
	}
	id, err := gitobj.ParseOID(strings.TrimSpace(string(out)))
	if err != nil {
		return "", unknown
	}
	typ, _, err := s.D.Repo.Object(ctx, string(id), 0)
	if err == nil && typ != "tree" {
		err = unknown
	}
	return id, err
}

// wanted lists the files of the tree that the remote is to have, and the lines
// of what is left out: links and subdatasets, which only git understands, and
// what is no preferred content there.
func (x *run) wanted(ctx context.Context, tree gitobj.OID) (files []file, left []string, err error) {
	err = x.s.D.TreePaths(ctx, string(tree), func(e gitindex.Entry) error {
		f, ok, err := x.keys.of(ctx, e.Path, git.TreeEntry{Mode: e.Mode, OID: e.OID})
		if err != nil {
			return err
		}
		if ok {
			ok, err = x.prefers(ctx, f)
		}
		if err != nil {
			return err
		}
		if !ok {
			left = append(left, leftOut(e))
			return nil
		}
		if err := remote.CheckTreePath(f.path); err != nil {
			return err
		}
		files = append(files, f)
		return nil
	})
	return files, left, err
}

// leftOut is the line for a file that is not exported.
func leftOut(e gitindex.Entry) string {
	kind := "blob"
	if e.Mode == gitobj.ModeGitlink {
		kind = "commit"
	}
	return fmt.Sprintf("%06o %s %s\t%s", uint32(e.Mode), kind, e.OID, e.Path)
}

// prefers asks for the remote's preferred content.
func (x *run) prefers(ctx context.Context, f file) (bool, error) {
	wants, configured, err := x.s.Wants(ctx, annexcmd.File{Rel: f.path, Key: f.key, Entry: gitindex.Entry{Path: f.path, Mode: f.entry.Mode, OID: f.entry.OID}}, x.uuid, false)
	return wants || !configured, err
}

// treeOf makes a git tree of the files.
func treeOf(ctx context.Context, s *annexcmd.Session, files []file) (gitobj.OID, error) {
	who, err := s.D.Repo.Identities(ctx, s.D.Now())
	if err != nil {
		return "", err
	}
	w := s.D.Repo.WriteObjects(ctx)
	defer w.Abort()
	if err := w.Begin(git.CommitSpec{Who: who, Message: "export"}); err != nil {
		return "", err
	}
	for _, f := range files {
		w.Put(f.path, f.entry.Mode, f.entry.OID)
	}
	_, tree, err := w.End()
	return tree, errors.Join(err, w.Close())
}

// contentIDs are the identifiers by which the remote is known to have the key.
func contentIDs(ctx context.Context, s *annexcmd.Session, uuid string, k annexkey.Key) ([]string, error) {
	data, err := s.Log(ctx, annexlog.KeyPath(k, annexlog.ContentIDSuffix))
	if err != nil {
		return nil, err
	}
	return annexlog.ParseContentIDs(data).Of(uuid), nil
}
