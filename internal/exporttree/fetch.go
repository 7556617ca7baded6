package exporttree

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/pointer"
	"github.com/stemma-data/stemma/internal/remote"
)

// identifiers finds files by the identifier that a remote has for their content.
type identifiers struct {
	x     *run
	known map[string]file
	all   bool // also those of the whole git-annex branch
}

func newIdentifiers(x *run) *identifiers { return &identifiers{x: x, known: map[string]file{}} }

// add takes a file whose identifiers the git-annex branch has.
func (d *identifiers) add(ctx context.Context, f file) error {
	ids, err := contentIDs(ctx, d.x.s, d.x.uuid, f.key)
	for _, id := range ids {
		d.known[id] = f
	}
	return err
}

// find looks among the files of the trees that were exported or imported last,
// and then among all that the branch has ever known there.
func (d *identifiers) find(ctx context.Context, i remote.Importable) (file, bool, error) {
	f, ok := d.sized(i)
	if ok || d.all {
		return f, ok, nil
	}
	d.all = true
	tip, err := d.x.s.D.Repo.Ref(ctx, annex.BranchRef)
	if err == nil && tip != "" {
		err = d.x.s.D.TreePaths(ctx, string(tip), func(e gitindex.Entry) error { return d.addLogged(ctx, e.Path) })
	}
	for _, p := range d.x.s.D.Annex.JournalPaths() {
		if err == nil {
			err = d.addLogged(ctx, p)
		}
	}
	f, ok = d.sized(i)
	return f, ok && err == nil, err
}

// addLogged takes what a log tells, if it is one of content's identifiers.
func (d *identifiers) addLogged(ctx context.Context, path string) error {
	k, suffix, ok := annexlog.ParseKeyPath(path)
	if !ok || suffix != annexlog.ContentIDSuffix || k.Safe() != nil {
		return nil
	}
	plain := k.Backend == "GIT"
	f := file{key: k, annexed: !plain}
	if plain {
		id, err := gitobj.ParseOID(k.Name)
		if err != nil || !d.x.s.D.Repo.Has(ctx, id) {
			return nil
		}
		f.entry = git.TreeEntry{Mode: gitobj.ModeFile, OID: id}
	}
	ids, err := contentIDs(ctx, d.x.s, d.x.uuid, k)
	for _, id := range ids {
		if _, ok := d.known[id]; !ok {
			d.known[id] = f
		}
	}
	return err
}

// sized is what is known by the identifier, unless it has another size: it may be
// the server that gives two contents one identifier.
func (d *identifiers) sized(i remote.Importable) (file, bool) {
	f, ok := d.known[i.ID]
	return f, ok && (f.key.Size < 0 || f.key.Size == i.Size)
}

// named is the file under another path: links lead to their content from there,
// in the folder of the branch that the import is for.
func (x *importing) named(f file, at string) (file, error) {
	f.path = at
	if !f.annexed || f.entry.Mode == gitobj.ModeFile || f.entry.Mode == gitobj.ModeExec {
		return f, nil // a pointer reads the same everywhere
	}
	target := []byte(pointer.LinkTarget(f.key, path.Join(x.folder, at)))
	if f.entry.Mode == gitobj.ModeSymlink && f.entry.OID == x.s.D.Repo.Format.HashObject("blob", target) {
		return f, nil // an earlier import to the same folder had it
	}
	ids, err := x.s.D.StoreBlobs(context.Background(), [][]byte{target})
	if err != nil {
		return f, err
	}
	f.entry = git.TreeEntry{Mode: gitobj.ModeSymlink, OID: ids[0]}
	return f, nil
}

// scratch is a fresh folder on the annex's file system.
func (x *run) scratch() (string, error) {
	dir := x.s.D.Annex.Dir("tmp", fsx.TempPrefix+strings.ToLower(rand.Text()[:16]))
	return dir, os.MkdirAll(dir, 0o700)
}

// fetch brings unknown content here, and decides whose it is: git's or the
// annex's.
func (x *importing) fetch(ctx context.Context, dir string, i remote.Importable) (file, error) {
	tmp := filepath.Join(dir, "content")
	defer os.Remove(tmp)
	if err := x.store.FetchContent(remote.WithBound(ctx, i.Size), i, tmp, nil); err != nil {
		return file{}, err
	}
	fi, err := os.Lstat(tmp)
	if err != nil {
		return file{}, err
	}
	rel := path.Join(x.folder, i.Path)
	large, configured, err := x.s.D.LargeAs(ctx, rel, tmp, fi)
	if err != nil {
		return file{}, err
	}
	if configured && !large {
		return x.toGit(ctx, tmp, i)
	}
	backend, err := x.s.D.Backend(rel)
	if err != nil {
		return file{}, err
	}
	k, seen, err := annex.Hash(ctx, tmp, path.Base(i.Path), backend, x.s.D.ExtRule())
	if err != nil {
		return file{}, err
	}
	if !x.opt.NoContent {
		if err := x.s.D.Annex.Keep(ctx, tmp, seen, k); err != nil {
			return file{}, err
		}
		x.fresh = append(x.fresh, k)
	}
	f, err := x.named(file{key: k, annexed: true, entry: git.TreeEntry{Mode: gitobj.ModeSymlink}}, i.Path)
	if err != nil {
		return f, err
	}
	if err := x.s.SetLocation(ctx, k, x.uuid, annexlog.StatusPresent); err != nil {
		return f, err
	}
	return f, x.remember(ctx, f, i)
}

// remember records the identifier of what was fetched.
func (x *importing) remember(ctx context.Context, f file, i remote.Importable) error {
	x.ids.known[i.ID] = f
	return errors.Join(x.run.learn(ctx, i, f), x.addID(ctx, f, i.ID))
}

// toGit makes a blob of the content.
func (x *importing) toGit(ctx context.Context, tmp string, i remote.Importable) (file, error) {
	ids, err := x.s.D.Repo.HashFiles(ctx, []string{tmp}, true)
	if err != nil {
		return file{}, err
	}
	f := file{path: i.Path, key: plainKey(ids[0]), entry: git.TreeEntry{Mode: gitobj.ModeFile, OID: ids[0]}}
	return f, x.remember(ctx, f, i)
}

// keepFetched records contents that are here now.
func (x *importing) keepFetched(ctx context.Context) error {
	if len(x.fresh) == 0 {
		return nil
	}
	if err := x.s.D.Annex.SyncObjects(x.fresh); err != nil {
		return err
	}
	for _, k := range x.fresh {
		if err := x.s.SetLocation(ctx, k, x.s.D.Annex.UUID, annexlog.StatusPresent); err != nil {
			return err
		}
	}
	return nil
}

// notIgnored leaves out what .gitignore names, as add does.
func (x *importing) notIgnored(ctx context.Context, history [][]remote.Change) ([][]remote.Change, error) {
	if x.opt.NoIgnore {
		return history, nil
	}
	var paths []string
	asked := map[string]bool{}
	for _, changes := range history {
		for _, c := range changes {
			if !asked[c.Path] {
				asked[c.Path] = true
				paths = append(paths, path.Join(x.folder, c.Path))
			}
		}
	}
	ignored, err := x.s.D.Repo.Ignored(ctx, paths, true)
	if err != nil {
		return nil, err
	}
	return keep(history, func(c remote.Change) bool { return !ignored[path.Join(x.folder, c.Path)] }), nil
}
