package jobs

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/iospec"
	"github.com/stemma-data/stemma/internal/pointer"
)

// committed shows a commit as if it were checked out in the folder top, so that
// patterns match what the commit has. What lies outside of it is looked up on
// disk. It implements iospec.Files, whose questions have no errors as answers:
// err keeps the first. It is for one goroutine at a time.
type committed struct {
	ctx   context.Context
	repo  *git.Repo
	view  *git.TreeView
	top   string // without symlinks
	err   error
	links map[gitobj.OID]string // targets that were read
}

var _ iospec.Files = (*committed)(nil)

// place is where a path leads in a commit.
type place struct {
	rel     string        // relative to the top, without links on the way
	entry   git.TreeEntry // zero if there is nothing
	links   []string      // the links on the way, relative to the top
	outside string        // absolute: the path leads out of the dataset; "" if not
}

func (p place) exists() bool { return p.outside == "" && p.entry.OID != "" }

// maxHops bounds how many links a path may lead through.
const maxHops = 64

// find follows an absolute path as the kernel would. follow says whether a link
// in the last place is followed, too.
func (c *committed) find(name string, follow bool) (p place) {
	rest, ok := strings.CutPrefix(name, c.top)
	if !ok || rest != "" && rest[0] != '/' {
		return place{outside: name}
	}
	todo := strings.Split(rest, "/")
	at := "."
	p.entry = c.lookup(at)
	for len(todo) > 0 {
		part := todo[0]
		todo = todo[1:]
		switch {
		case part == "" || part == ".":
			continue
		case part == ".." && at == ".":
			return place{links: p.links, outside: path.Join(path.Dir(c.top), path.Join(todo...))}
		case part == "..":
			at = path.Dir(at)
			p.entry = c.lookup(at)
			continue
		}
		next := path.Join(at, part)
		e := c.lookup(next)
		if e.Mode == gitobj.ModeSymlink && (follow || anyName(todo)) {
			target, annexed := c.target(e.OID)
			if !annexed {
				if p.links = append(p.links, next); len(p.links) > maxHops {
					c.fail(fmt.Errorf("%s: too many symlinks", name))
					return place{}
				}
				if path.IsAbs(target) {
					inside, ok := strings.CutPrefix(path.Clean(target)+"/", c.top+"/")
					if !ok {
						return place{links: p.links, outside: path.Join(target, path.Join(todo...))}
					}
					at, target = ".", inside
					p.entry = c.lookup(at)
				}
				todo = append(strings.Split(target, "/"), todo...)
				continue
			}
		}
		at, p.entry = next, e
	}
	p.rel = at
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

func (c *committed) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}

// lookup returns the zero entry where there is nothing.
func (c *committed) lookup(rel string) git.TreeEntry {
	e, ok, err := c.view.Lookup(c.ctx, rel)
	if err != nil {
		c.fail(fmt.Errorf("look up %s: %w", rel, err))
	}
	if !ok {
		return git.TreeEntry{}
	}
	return e
}

// target returns where a link leads, and whether it stands for annexed content.
func (c *committed) target(oid gitobj.OID) (target string, annexed bool) {
	target, ok := c.links[oid]
	if !ok {
		text, err := c.repo.SmallBlob(c.ctx, oid, pointer.MaxSize)
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

func isFolder(e git.TreeEntry) bool {
	return e.Mode == gitobj.ModeTree || e.Mode == gitobj.ModeGitlink
}

// Exists implements iospec.Files.
func (c *committed) Exists(name string) bool {
	p := c.find(name, strings.HasSuffix(name, "/"))
	if p.outside != "" {
		_, err := os.Lstat(p.outside)
		return err == nil
	}
	return p.exists() && (isFolder(p.entry) || !strings.HasSuffix(name, "/"))
}

// IsDir implements iospec.Files.
func (c *committed) IsDir(name string) bool {
	p := c.find(name, true)
	if p.outside != "" {
		fi, err := os.Stat(p.outside)
		return err == nil && fi.IsDir()
	}
	return p.exists() && isFolder(p.entry)
}

// Same implements iospec.Files.
func (c *committed) Same(a, b string) bool {
	x, y := c.find(a, true), c.find(b, true)
	if x.outside == "" || y.outside == "" {
		return x.exists() && y.exists() && x.rel == y.rel
	}
	fx, errX := os.Stat(x.outside)
	fy, errY := os.Stat(y.outside)
	return errX == nil && errY == nil && os.SameFile(fx, fy)
}

// List implements iospec.Files.
func (c *committed) List(name string) []fs.DirEntry {
	p := c.find(name, true)
	if p.outside != "" {
		list, _ := os.ReadDir(p.outside)
		return list
	}
	if p.entry.Mode != gitobj.ModeTree {
		return nil
	}
	entries := c.entries(p.entry.OID)
	list := make([]fs.DirEntry, len(entries))
	for i, e := range entries {
		list[i] = treeName{e}
	}
	return list
}

func (c *committed) entries(tree gitobj.OID) []git.NamedEntry {
	list, err := c.view.Entries(c.ctx, tree)
	if err != nil {
		c.fail(err)
	}
	return list
}

// treeName is an entry of a tree as a folder on disk would list it.
type treeName struct{ e git.NamedEntry }

func (n treeName) Name() string               { return n.e.Name }
func (n treeName) IsDir() bool                { return isFolder(n.e.TreeEntry) }
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
