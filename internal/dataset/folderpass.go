package dataset

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sync/errgroup"

	"github.com/stemma-data/stemma/internal/gitindex"
)

// folderPass finds what is in the work tree and not in the index. It counts:
// in a folder with as many names as tracked files were found in it, and
// tracked folders, every name is known. Only elsewhere names are compared.
type folderPass struct {
	top     *os.File
	index   *gitindex.File
	scope   Scope
	folders map[string]*trackedFolder // by path with a slash at the end; "" is the top
	unknown []string
}

// trackedFolder is a folder with index entries in it or below.
type trackedFolder struct {
	tracked int // files and folders of the index that are there
	names   int // everything that is there
	absent  bool
	closed  bool                // it cannot be read: as for git, there is nothing unknown in it
	known   map[string]struct{} // names that the index has in it, if they are compared
}

// newFolderPass takes over what a finished statPass has found.
func newFolderPass(p *statPass) *folderPass {
	f := &folderPass{top: p.top, index: p.index, scope: p.scope, folders: map[string]*trackedFolder{}}
	f.folder("")
	for _, r := range p.rows {
		for _, there := range r.there {
			f.folder(there.folder).tracked += there.files
		}
		for _, e := range r.dirty {
			if e.verdict == becameFolder {
				f.unknown = append(f.unknown, e.Path)
			}
		}
	}
	return f
}

// folder returns the folder at the path, which it notes with those above it.
func (p *folderPass) folder(path string) *trackedFolder {
	f, ok := p.folders[path]
	if !ok {
		f = &trackedFolder{}
		p.folders[path] = f
		if path != "" {
			p.folder(above(path))
		}
	}
	return f
}

// above is the folder that a folder is in.
func above(folder string) string {
	return folder[:strings.LastIndexByte(folder[:len(folder)-1], '/')+1]
}

// run returns the unknown paths, sorted, without empty folders. They may have tracked files below
// them, where the scope leaves those out.
func (p *folderPass) run(ctx context.Context) ([]string, error) {
	paths := slices.Sorted(maps.Keys(p.folders)) // each behind the one above it
	if err := p.each(ctx, paths, p.count); err != nil {
		return nil, err
	}
	for _, path := range paths[1:] {
		f, parent := p.folders[path], p.folders[above(path)]
		if f.absent = f.absent || parent.absent; !f.absent {
			parent.tracked++
		}
	}
	var odd []string
	for _, path := range paths {
		if f := p.folders[path]; !f.absent && !f.closed && f.names != f.tracked {
			f.known = make(map[string]struct{}, f.names)
			odd = append(odd, path)
		}
	}
	if len(odd) > 0 {
		if err := p.compareNames(ctx, odd); err != nil {
			return nil, err
		}
	}
	slices.Sort(p.unknown)
	return p.unknown, nil
}

// each does something with folders, many at once.
func (p *folderPass) each(ctx context.Context, paths []string, do func(path string, f *trackedFolder) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(min(64, 8*runtime.NumCPU()))
	for _, path := range paths {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return do(path, p.folders[path])
		})
	}
	return g.Wait()
}

// count counts the names in a folder.
func (p *folderPass) count(path string, f *trackedFolder) error {
	err := eachName(p.top, path, func(name []byte) {
		if string(name) != ".git" {
			f.names++
		}
	})
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ELOOP) {
		f.absent, err = true, nil // a symbolic link may have taken its place
	}
	if errors.Is(err, fs.ErrPermission) {
		f.closed, err = true, nil
	}
	return err
}

// compareNames looks for unknown names in the folders. What git does not know
// is not looked into, nor what is in folders of which no tracked file is left.
func (p *folderPass) compareNames(ctx context.Context, odd []string) error {
	if err := p.learnNames(); err != nil {
		return err
	}
	found := make(map[string]*[]string, len(odd))
	for _, path := range odd {
		found[path] = new([]string)
	}
	err := p.each(ctx, odd, func(path string, f *trackedFolder) error {
		names := found[path]
		return eachName(p.top, path, func(name []byte) {
			if _, ok := f.known[string(name)]; !ok && string(name) != ".git" {
				*names = append(*names, path+string(name))
			}
		})
	})
	for _, names := range found {
		for _, rel := range *names {
			if p.scope.covers(rel) && !isTemp(rel) && !p.holdsNothing(rel) {
				p.unknown = append(p.unknown, rel)
			}
		}
	}
	return err
}

// holdsNothing reports a folder without a file in it or below, which git passes
// over.
func (p *folderPass) holdsNothing(rel string) bool {
	return filepath.WalkDir(filepath.Join(p.top.Name(), rel), func(_ string, e fs.DirEntry, err error) error {
		if err != nil || !e.IsDir() {
			return fs.ErrExist
		}
		return nil
	}) == nil
}

// learnNames notes what the index has in the folders whose names are compared.
func (p *folderPass) learnNames() error {
	for path, f := range p.folders {
		if path == "" || f.absent {
			continue
		}
		if in := above(path); p.folders[in].known != nil {
			p.folders[in].known[path[len(in):len(path)-1]] = struct{}{}
		}
	}
	var last string
	f := p.folders[""]
	p.index.Walk(func(r *gitindex.Raw) bool {
		cut := bytes.LastIndexByte(r.Path, '/') + 1
		if string(r.Path[:cut]) != last {
			last = string(r.Path[:cut])
			f = p.folders[last]
		}
		if f != nil && f.known != nil {
			f.known[string(r.Path[cut:])] = struct{}{}
		}
		return true
	})
	return p.index.Err()
}
