// Package exporttree brings trees of files to remotes that keep them under
// their own names (exporttree), and changes that others made there back
// (importtree), in git-annex's formats: what it does may be continued by
// git-annex, and the reverse. It knows remotes only by remote.Exporter and its
// relatives.
package exporttree

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/stemma-data/stemma/internal/annexcmd"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/remote"
)

// run is one export or import.
type run struct {
	s     *annexcmd.Session
	name  string // of the remote
	uuid  string
	store remote.Exporter
	whole remote.Remote // finds content there by its key
	keys  *keys
	lock  *fsx.FileLock
}

// keeper is a remote that holds trees.
type keeper interface{ Tree() remote.Exporter }

// open finds the remote and takes the right to change what is recorded of it.
func open(ctx context.Context, s *annexcmd.Session, name, what string) (*run, error) {
	r, err := s.Repositories(ctx)
	if err != nil {
		return nil, err
	}
	p, err := r.Peer(name)
	if err != nil {
		return nil, err
	}
	if p.Remote == nil {
		return nil, p.Err
	}
	k, ok := remote.As[interface {
		remote.Remote
		keeper
	}](p.Remote)
	if !ok {
		return nil, errs.WithHint(fmt.Errorf("That remote does not support %s.", what),
			"a remote for trees is set up with: stemma annex initremote NAME type=directory directory=PATH encryption=none exporttree=yes importtree=yes")
	}
	x := &run{s: s, name: p.Spec.Name, uuid: p.UUID(), store: k.Tree(), whole: p.Remote, keys: &keys{s: s, seen: map[git.TreeEntry]file{}}}
	if x.uuid == "" || strings.ContainsAny(x.uuid, "/\x00") || strings.HasPrefix(x.uuid, ".") {
		return nil, fmt.Errorf("remote %s has no identity that a folder can be named after: %q", x.name, x.uuid)
	}
	return x, x.exclude(ctx)
}

// exclude takes git-annex's lock on exports to the remote.
func (x *run) exclude(ctx context.Context) (err error) {
	dir := x.s.D.Annex.Dir("export", x.uuid)
	if err := x.s.D.Repo.MakeShared(x.s.D.Annex.Dir("export")); err != nil {
		return err
	}
	if err := x.s.D.Repo.MakeShared(dir); err != nil {
		return err
	}
	x.lock, err = fsx.LockFile(ctx, filepath.Join(dir, "exportdb.lck"), true)
	return err
}

// forgetDatabase removes git-annex's database of what it has exported, which is
// about to be no longer true. git-annex makes a new one from the log, and looks
// at the remote for the rest.
func (x *run) forgetDatabase() error {
	return os.RemoveAll(x.s.D.Annex.Dir("export", x.uuid, "exportdb"))
}

func (x *run) close() { x.lock.Unlock() }

// writable refuses remotes that are only to be read.
func (x *run) writable(ctx context.Context) error {
	cfg := x.s.D.Repo.Config
	if cfg.Bool("remote."+x.name+".annex-readonly", false) {
		return fmt.Errorf("remote %s is configured to be only read (remote.%s.annex-readonly)", x.name, x.name)
	}
	if exports, err := x.yes(ctx, "exporttree"); err != nil || !exports {
		if err != nil {
			return err
		}
		return errs.WithHint(errors.New("That remote does not support exports."), "it was set up without exporttree=yes")
	}
	return nil
}

// excluded is the file in which git-annex keeps what an export left out, so that
// an import of the tree brings it back.
func (x *run) excluded() string { return x.s.D.Annex.Dir("export.ex", x.uuid) }

// writeExcluded replaces that file.
func (x *run) writeExcluded(lines []string) error {
	if len(lines) == 0 {
		err := os.Remove(x.excluded())
		if os.IsNotExist(err) {
			return nil
		}
		return err
	}
	if err := x.s.D.Repo.MakeShared(x.s.D.Annex.Dir("export.ex")); err != nil {
		return err
	}
	return fsx.WriteFileVia(x.s.D.Annex.Dir("tmp"), x.excluded(), []byte(strings.Join(lines, "\n")+"\n"), 0o666)
}

// complete is our own note of which tree the remote has without a gap. It may be
// deleted at any time: then what is there is looked at again.
func (x *run) complete() string {
	return filepath.Join(x.s.D.Repo.CommonDir, "stemma", "export", x.uuid)
}

func (x *run) completeTree() string {
	text, _ := os.ReadFile(x.complete())
	return strings.TrimSpace(string(text))
}

func (x *run) setComplete(tree string) error {
	if tree == "" {
		if err := os.Remove(x.complete()); err != nil && !os.IsNotExist(err) {
			return err
		}
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(x.complete()), 0o777); err != nil {
		return err
	}
	return fsx.WriteFile(x.complete(), []byte(tree+"\n"), 0o666)
}
