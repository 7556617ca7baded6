package fsx

import (
	"path"
	"sync"
)

// maxFolders is how many folders are kept open at once; others are opened for
// each use.
const maxFolders = 128

// Folders are those below one root that somebody uses again and again; each is
// opened once. It is safe for concurrent use.
type Folders struct {
	root string

	mu   sync.Mutex
	top  *Folder
	open map[string]*Folder
}

// NewFolders returns folders below root, none of which is open yet. The caller
// closes them in the end.
func NewFolders(root string) *Folders { return &Folders{root: root, open: map[string]*Folder{}} }

// In calls use with the folder that the file rel (with slashes) is in, and with
// the file's name there. Errors are those of OpenFolder and of use.
func (f *Folders) In(rel string, use func(dir *Folder, name string) error) error {
	dir, kept, err := f.folder(path.Dir(rel))
	if err != nil {
		return err
	}
	if !kept {
		defer dir.Close()
	}
	return use(dir, path.Base(rel))
}

func (f *Folders) folder(rel string) (dir *Folder, kept bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if dir = f.open[rel]; dir != nil {
		return dir, true, nil
	}
	if f.top == nil {
		if f.top, err = openTop(f.root); err != nil {
			return nil, false, err
		}
	}
	if dir, err = f.top.below(f.root, rel, false); err != nil || len(f.open) >= maxFolders {
		return dir, false, err
	}
	f.open[rel] = dir
	return dir, true, nil
}

// Close gives all folders up. Nobody may use them any more.
func (f *Folders) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, dir := range f.open {
		dir.Close()
	}
	if f.top != nil {
		f.top.Close()
	}
	f.top, f.open = nil, map[string]*Folder{}
}
