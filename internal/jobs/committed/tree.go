// Package committed shows the files of a commit as if they were checked out, with
// links followed, for globs and for jobs that see nothing else. It reads no file
// of the work tree.
package committed

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/iospec"
	"github.com/stemma-data/stemma/internal/jobs/nested"
	"github.com/stemma-data/stemma/internal/pointer"
)

// Tree shows a commit as if it were checked out in the folder top, so that
// patterns match what the commit has. What lies outside of it is looked up on
// disk. It implements iospec.Files, whose questions have no errors as answers:
// err keeps the first. It is for one goroutine at a time.
type Tree struct {
	Ctx   context.Context
	Tree  *nested.Tree
	Top   string // without symlinks
	Err   error
	links map[gitobj.OID]string // targets that were read
}

var _ iospec.Files = (*Tree)(nil)

// Place is where a path leads in a commit.
type Place struct {
	Rel     string        // relative to the top, without links on the way
	Entry   git.TreeEntry // zero if there is nothing
	Links   []string      // the links on the way, relative to the top
	Outside string        // absolute: the path leads out of the dataset; "" if not
}

func (p Place) Exists() bool { return p.Outside == "" && p.Entry.OID != "" }

// maxHops bounds how many links a path may lead through.
const maxHops = 64

// Find follows an absolute path as the kernel would. follow says whether a link
// in the last place is followed, too.
func (c *Tree) Find(name string, follow bool) (p Place) {
	rest, ok := strings.CutPrefix(name, c.Top)
	if !ok || rest != "" && rest[0] != '/' {
		return Place{Outside: name}
	}
	todo := strings.Split(rest, "/")
	at := "."
	p.Entry = c.Lookup(at)
	for len(todo) > 0 {
		part := todo[0]
		todo = todo[1:]
		switch {
		case part == "" || part == ".":
			continue
		case part == ".." && at == ".":
			return Place{Links: p.Links, Outside: path.Join(path.Dir(c.Top), path.Join(todo...))}
		case part == "..":
			at = path.Dir(at)
			p.Entry = c.Lookup(at)
			continue
		}
		next := path.Join(at, part)
		e := c.Lookup(next)
		if e.Mode == gitobj.ModeSymlink && (follow || anyName(todo)) {
			target, annexed := c.Target(next, e.OID)
			if !annexed {
				if p.Links = append(p.Links, next); len(p.Links) > maxHops {
					c.fail(fmt.Errorf("%s: too many symlinks", name))
					return Place{}
				}
				if path.IsAbs(target) {
					inside, ok := strings.CutPrefix(path.Clean(target)+"/", c.Top+"/")
					if !ok {
						return Place{Links: p.Links, Outside: path.Join(target, path.Join(todo...))}
					}
					at, target = ".", inside
					p.Entry = c.Lookup(at)
				}
				todo = append(strings.Split(target, "/"), todo...)
				continue
			}
		}
		at, p.Entry = next, e
	}
	p.Rel = at
	return p
}

// anyName reports whether parts of a path lead anywhere else.
func anyName(parts []string) bool {
	for _, p := range parts {
		if p != "" && p != "." {
			return true
		}
	}
	return false
}

func (c *Tree) fail(err error) {
	if c.Err == nil {
		c.Err = err
	}
}

// Lookup returns the zero entry where there is nothing.
func (c *Tree) Lookup(rel string) git.TreeEntry {
	l, inside := c.Level(rel)
	if l == nil {
		return git.TreeEntry{}
	}
	e, ok, err := l.View.Lookup(c.Ctx, inside)
	if err != nil {
		c.fail(fmt.Errorf("look up %s: %w", rel, err))
	}
	if !ok {
		return git.TreeEntry{}
	}
	return e
}

// Level returns the dataset that a path lies in, and how that names it; nil for
// what lies in a subdataset that is not here. A subdataset that is not here is
// an entry of the dataset above it.
func (c *Tree) Level(rel string) (*nested.Level, string) {
	l, err := c.Tree.Of(c.Ctx, rel)
	var absent *nested.AbsentError
	if errors.As(err, &absent) && absent.Sub == rel && rel != "." {
		if l, err = c.Tree.Of(c.Ctx, path.Dir(rel)); err == nil {
			return l, l.Inside(rel)
		}
	}
	if err != nil {
		if !errors.As(err, &absent) {
			c.fail(err)
		}
		return nil, ""
	}
	return l, l.Inside(rel)
}

// Target returns where the link at a path leads, and whether it stands for
// annexed content.
func (c *Tree) Target(rel string, oid gitobj.OID) (target string, annexed bool) {
	target, ok := c.links[oid]
	if !ok {
		l, _ := c.Level(rel)
		if l == nil {
			return "", false
		}
		text, err := l.Dataset.Repo.SmallBlob(c.Ctx, oid, pointer.MaxSize)
		if err != nil {
			c.fail(err)
		}
		if c.links == nil {
			c.links = map[gitobj.OID]string{}
		}
		target = string(text)
		c.links[oid] = target
	}
	_, annexed = pointer.ParseLink(target)
	return target, annexed
}

// IsFolder reports whether an entry is a folder.
func IsFolder(e git.TreeEntry) bool {
	return e.Mode == gitobj.ModeTree || e.Mode == gitobj.ModeGitlink
}

// Exists implements iospec.Files.
func (c *Tree) Exists(name string) bool {
	p := c.Find(name, strings.HasSuffix(name, "/"))
	if p.Outside != "" {
		_, err := os.Lstat(p.Outside)
		return err == nil
	}
	return p.Exists() && (IsFolder(p.Entry) || !strings.HasSuffix(name, "/"))
}

// IsDir implements iospec.Files.
func (c *Tree) IsDir(name string) bool {
	p := c.Find(name, true)
	if p.Outside != "" {
		fi, err := os.Stat(p.Outside)
		return err == nil && fi.IsDir()
	}
	return p.Exists() && IsFolder(p.Entry)
}

// Same implements iospec.Files.
func (c *Tree) Same(a, b string) bool {
	x, y := c.Find(a, true), c.Find(b, true)
	if x.Outside == "" || y.Outside == "" {
		return x.Exists() && y.Exists() && x.Rel == y.Rel
	}
	fx, errX := os.Stat(x.Outside)
	fy, errY := os.Stat(y.Outside)
	return errX == nil && errY == nil && os.SameFile(fx, fy)
}

// List implements iospec.Files.
func (c *Tree) List(name string) []fs.DirEntry {
	p := c.Find(name, true)
	if p.Outside != "" {
		list, _ := os.ReadDir(p.Outside)
		return list
	}
	if p.Entry.Mode != gitobj.ModeTree {
		return nil
	}
	entries := c.Entries(p.Rel, p.Entry.OID)
	list := make([]fs.DirEntry, len(entries))
	for i, e := range entries {
		list[i] = treeName{e}
	}
	return list
}

// Entries lists what the tree at a path holds; a failure is kept in Err.
func (c *Tree) Entries(rel string, tree gitobj.OID) []git.NamedEntry {
	l, _ := c.Level(rel)
	if l == nil {
		return nil
	}
	list, err := l.View.Entries(c.Ctx, tree)
	if err != nil {
		c.fail(err)
	}
	return list
}

// treeName is an entry of a tree as a folder on disk would list it.
type treeName struct{ e git.NamedEntry }

func (n treeName) Name() string               { return n.e.Name }
func (n treeName) IsDir() bool                { return IsFolder(n.e.TreeEntry) }
func (n treeName) Info() (fs.FileInfo, error) { return nil, fs.ErrInvalid }

func (n treeName) Type() fs.FileMode {
	switch {
	case n.IsDir():
		return fs.ModeDir
	case n.e.Mode == gitobj.ModeSymlink:
		return fs.ModeSymlink
	}
	return 0
}
