package all

import (
	"fmt"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/directory"
	"github.com/stemma-data/stemma/internal/remote/exported"
	"github.com/stemma-data/stemma/internal/remote/rsync"
	"github.com/stemma-data/stemma/internal/remote/s3"
)

// trees are the types that can keep trees of files, and whether others may
// write there, too.
func trees() map[string]treeKind {
	return map[string]treeKind{
		"directory": {open: directory.OpenTree, imports: true},
		"rsync":     {open: rsync.OpenTree},
		"S3":        {open: s3.OpenTree, imports: true},
	}
}

type treeKind struct {
	open    func(remote.Setup) (remote.Exporter, error)
	imports bool
}

// KeepsTrees reports whether remotes of the type can hold exported trees, and
// whether trees can be imported from them.
func KeepsTrees(kind string) (exports, imports bool) {
	k, ok := trees()[kind]
	return ok, k.imports
}

// openTree opens a remote that holds a tree of files. They lie there as they
// are, neither in chunks nor encrypted.
func openTree(s remote.Setup, kind string) (remote.Remote, error) {
	k, ok := trees()[kind]
	if !ok || s.Yes("importtree") && !k.imports {
		return nil, fmt.Errorf("remote %s holds a tree of files (exporttree, importtree) and is of type %s: %w", s.Name, kind, remote.ErrUnsupported)
	}
	store, err := k.open(s)
	if err != nil {
		return nil, err
	}
	g := newGuard(s, nil, true)
	return exported.New(s, store, func(key annexkey.Key) error { return g.mayFetch(key) }), nil
}
