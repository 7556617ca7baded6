package git

import (
	"bufio"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// maxPopulate is how many files are written without git: it shows progress.
const maxPopulate = 20_000

// Converter tells for each file whether git would convert its content on its
// way into the work tree, by what folders' .gitattributes say.
type Converter func(attributes func(dir string) ([]byte, error)) func(path string) (bool, error)

// Populate fills the empty work tree of a new clone, and its index, with the
// files of a commit as `git read-tree -u` does, without a process where git's
// rules are certain to be kept. Where something is in the way in the work tree,
// nothing is overwritten.
func (r *Repo) Populate(ctx context.Context, commit gitobj.OID, convert Converter) error {
	p := &populating{repo: r, objs: r.objects(), blobs: map[string]gitobj.OID{}}
	err := p.list(ctx, commit)
	if err == nil {
		err = p.checkContent(convert)
	}
	if leftToGit(err) {
		_, err = r.Output(ctx, "read-tree", "-m", "-u", "HEAD")
		return err
	}
	if err == nil {
		err = p.write(ctx)
	}
	if leftToGit(err) || errors.Is(err, fs.ErrExist) && r.Config.Bool("core.ignorecase", false) {
		return r.Repopulate(ctx) // some files are there, under names that differ in case at most
	}
	return err
}

func leftToGit(err error) bool { return errors.Is(err, errOnlyGit) || errors.Is(err, errNotNative) }

// populating is one filling of a work tree.
type populating struct {
	repo    *Repo
	objs    *objects
	entries []gitindex.Edit
	dirs    []string // each behind the one above it
	root    *gitindex.CacheTree
	blobs   map[string]gitobj.OID // of .gitattributes, by folder
}

// list reads the trees of the commit.
func (p *populating) list(ctx context.Context, commit gitobj.OID) error {
	typ, data, err := p.objs.read(commit)
	if err != nil || typ != "commit" {
		return errOnlyGit
	}
	id, err := p.repo.treeOf(data)
	if err != nil {
		return errOnlyGit
	}
	p.root, err = p.tree(ctx, id, "", "", 0)
	return err
}

// tree takes the entries of a tree and of those below. Paths that git may
// refuse, for which it has many rules, are left to it.
func (p *populating) tree(ctx context.Context, id gitobj.OID, name, prefix string, depth int) (*gitindex.CacheTree, error) {
	typ, data, err := p.objs.read(id)
	if err != nil || typ != "tree" || depth > maxTreeDepth || ctx.Err() != nil {
		return nil, errors.Join(errOnlyGit, ctx.Err())
	}
	node := &gitindex.CacheTree{Name: name, OID: id}
	seen := map[string]bool{}
	m := &matcher{objs: p.objs}
	for len(data) > 0 {
		mode, name, oid, rest, ok := m.treeEntry(data)
		if !ok || seen[name] || !harmlessName(name, mode) || len(p.entries) > maxPopulate {
			return nil, errOnlyGit
		}
		seen[name], data = true, rest
		path := prefix + name
		if mode == gitobj.ModeTree {
			p.dirs = append(p.dirs, path)
			sub, err := p.tree(ctx, oid, name, path+"/", depth+1)
			if err != nil {
				return nil, err
			}
			node.Trees = append(node.Trees, sub)
			node.Entries += sub.Entries
			continue
		}
		if name == ".gitattributes" {
			p.blobs[strings.TrimSuffix(prefix, "/")] = oid
		}
		p.entries = append(p.entries, gitindex.Edit{Path: path, Mode: mode, OID: oid})
		node.Entries++
	}
	if len(seen) == 0 && depth > 0 {
		return nil, errOnlyGit // an empty tree
	}
	return node, nil
}

// harmlessName reports a name that no system takes for .git or for a way out of
// the folder, of an entry with a common mode.
func harmlessName(name string, mode gitobj.Mode) bool {
	var ascii strings.Builder
	for i := range len(name) {
		c := name[i]
		if c >= 0x80 {
			continue // some file systems ignore some of them
		}
		if c == '/' || c == '\\' || c < ' ' {
			return false
		}
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		ascii.WriteByte(c)
	}
	lower := ascii.String()
	switch mode {
	case gitobj.ModeTree, gitobj.ModeFile, gitobj.ModeExec, gitobj.ModeSymlink, gitobj.ModeGitlink:
	default:
		return false
	}
	switch {
	case name == "" || lower == "." || lower == ".." || strings.HasPrefix(lower, "git~"):
		return false
	case strings.HasPrefix(lower, ".git"):
		return mode == gitobj.ModeFile && (name == ".gitattributes" || name == ".gitmodules" || name == ".gitignore" || name == ".gitkeep")
	}
	return true
}

// checkContent finds out whether all content is written as it is stored.
func (p *populating) checkContent(convert Converter) error {
	converts := convert(func(dir string) ([]byte, error) {
		id, ok := p.blobs[dir]
		if !ok {
			return nil, fs.ErrNotExist
		}
		typ, data, err := p.objs.read(id)
		if err == nil && typ != "blob" {
			err = errOnlyGit
		}
		return data, err
	})
	for _, e := range p.entries {
		if e.Mode != gitobj.ModeFile && e.Mode != gitobj.ModeExec {
			continue
		}
		if yes, err := converts(e.Path); err != nil || yes {
			return errOnlyGit
		}
	}
	return nil
}

// write makes the files and then the index.
func (p *populating) write(ctx context.Context) error {
	for _, dir := range p.dirs {
		if err := os.Mkdir(p.repo.Path(filepath.FromSlash(dir)), 0o777); err != nil {
			return err
		}
	}
	for i := range p.entries {
		if err := errors.Join(p.entry(&p.entries[i]), ctx.Err()); err != nil {
			return err
		}
	}
	return p.writeIndex()
}

// entry makes one file, link or folder of a subdataset, new, and notes what it
// has become.
func (p *populating) entry(e *gitindex.Edit) error {
	path := p.repo.Path(filepath.FromSlash(e.Path))
	if e.Mode == gitobj.ModeGitlink {
		if err := os.Mkdir(path, 0o777); err != nil {
			return err
		}
		return note(e, path)
	}
	typ, data, err := p.objs.read(e.OID)
	if err != nil || typ != "blob" {
		return errors.Join(err, errNotNative)
	}
	if e.Mode == gitobj.ModeSymlink {
		if err := os.Symlink(string(data), path); err != nil {
			return err
		}
		return note(e, path)
	}
	perm := fs.FileMode(0o666)
	if e.Mode == gitobj.ModeExec {
		perm = 0o777
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|unix.O_NOFOLLOW, perm)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(data); err != nil {
		return err
	}
	fi, err := f.Stat()
	if err == nil {
		e.Stat = gitindex.StatOf(fi)
	}
	return err
}

func note(e *gitindex.Edit, path string) error {
	fi, err := os.Lstat(path)
	if err == nil {
		e.Stat = gitindex.StatOf(fi)
	}
	return err
}

// writeIndex writes the index of a repository that nobody else knows yet.
func (p *populating) writeIndex() error {
	lock := filepath.Join(p.repo.GitDir, "index.lock")
	f, err := os.OpenFile(lock, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<16)
	err = gitindex.Write(w, p.entries, p.root, p.repo.Format)
	if err == nil {
		err = w.Flush()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(lock, p.repo.IndexPath())
	}
	if err != nil {
		os.Remove(lock)
	}
	return err
}
