package dataset

import (
	"context"
	"os"
	"path/filepath"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/pointer"
	"github.com/stemma-data/stemma/internal/result"
)

// StatusOptions says what status reports.
type StatusOptions struct {
	Paths     []string // as typed; none: the whole dataset
	Untracked string   // "no", "normal" or "all"; "" for normal
	Annex     string   // "", "basic", "availability" or "all"
	Clean     bool     // report clean paths, too
	Levels    int      // of subdatasets that are reported on, too; AllLevels for all
	FromTop   bool     // the user named the dataset: a subdataset's path means its record
	Eval      Eval     // what makes a subdataset count as modified
}

// Abs is a path as the user means it.
func (d *Dataset) Abs(typed string) string {
	if filepath.IsAbs(typed) {
		return filepath.Clean(typed)
	}
	return filepath.Join(d.Env.Cwd, typed)
}

// withClean puts the clean index entries between the changes, in order.
func (d *Dataset) withClean(changes []Change, scope Scope) ([]Change, error) {
	index, err := d.Repo.ReadIndex()
	if err != nil {
		return nil, err
	}
	known := map[string]Change{}
	var out, removed []Change
	for _, c := range changes {
		switch {
		case c.State == Untracked:
			out = append(out, c)
		case c.OID == "":
			removed = append(removed, c)
		default:
			known[c.Path] = c
		}
	}
	for e, err := range index.Entries() {
		if err != nil {
			return nil, err
		}
		if !scope.covers(e.Path) {
			continue
		}
		c, ok := known[e.Path]
		if !ok {
			c = Change{Path: e.Path, State: Clean, Type: typeOfMode(e.Mode), Mode: e.Mode, OID: e.OID, Prev: e.OID, PrevMode: e.Mode}
		}
		out = append(out, c)
	}
	return append(out, removed...), nil
}

func (d *Dataset) statusRecord(ctx context.Context, c Change, opt StatusOptions) (result.Record, error) {
	r := d.Record("status", c.Path, c.Type).With("parentds", d.Path()).With("state", string(c.State))
	switch {
	case c.State == Deleted && c.OID == "": // removed from the index, too
		r = r.With("gitshasum", string(c.Prev))
	case c.State == Deleted:
		r = r.With("prev_gitshasum", string(c.Prev))
	default:
		if c.OID != "" {
			r = r.With("gitshasum", string(c.OID))
		}
		if c.Prev != "" {
			r = r.With("prev_gitshasum", string(c.Prev))
		}
	}
	if c.State == Clean && c.Type == result.File {
		if fi, err := os.Lstat(d.Repo.Path(c.Path)); err == nil {
			r = r.With("bytesize", fi.Size())
		}
	}
	if opt.Annex != "" && d.Annex != nil {
		return d.annexInfo(ctx, r, c, opt.Annex)
	}
	return r, nil
}

// annexInfo adds what the annex knows of the file.
func (d *Dataset) annexInfo(ctx context.Context, r result.Record, c Change, level string) (result.Record, error) {
	key, ok, err := d.KeyOf(ctx, c.Path, c.Mode, c.OID)
	if err != nil || !ok {
		return r, err
	}
	return d.keyInfo(r, key, level), nil
}

// keyInfo adds what is known of a key, on a level of --annex.
func (d *Dataset) keyInfo(r result.Record, key annexkey.Key, level string) result.Record {
	r.Type = result.File
	r = r.With("backend", key.Backend).With("key", key.String()).With("keyname", key.Name).
		With("hashdirlower", key.HashLower()+"/").With("hashdirmixed", key.HashMixed()+"/").With("mtime", "unknown")
	if key.Size >= 0 {
		r = r.With("bytesize", key.Size).With("humansize", HumanSize(key.Size))
	}
	if level == "basic" {
		return r
	}
	object, has := d.Annex.Locate(key)
	delete(r.Fields, "hashdirlower")
	delete(r.Fields, "hashdirmixed")
	r = r.With("has_content", has)
	if has {
		r = r.With("objloc", object)
	}
	return r
}

// KeyOf returns the key of a tracked file: from the link in the work tree if
// there is one, else from the index entry (mode and id).
func (d *Dataset) KeyOf(ctx context.Context, rel string, mode gitobj.Mode, id gitobj.OID) (annexkey.Key, bool, error) {
	if target, err := fsx.Readlink(d.Repo.Path(rel)); err == nil {
		k, ok := pointer.ParseLink(target)
		return k, ok, nil
	}
	if id == "" {
		return annexkey.Key{}, false, nil
	}
	return d.keyOfBlob(ctx, mode, id)
}

// keyOfBlob returns the key that a link or pointer in git names.
func (d *Dataset) keyOfBlob(ctx context.Context, mode gitobj.Mode, id gitobj.OID) (annexkey.Key, bool, error) {
	if mode == gitobj.ModeGitlink {
		return annexkey.Key{}, false, nil
	}
	data, err := d.Repo.SmallBlob(ctx, id, pointer.MaxSize)
	if err != nil || data == nil {
		return annexkey.Key{}, false, err
	}
	if mode == gitobj.ModeSymlink {
		k, ok := pointer.ParseLink(string(data))
		return k, ok, nil
	}
	k, ok := pointer.Parse(data)
	return k, ok, nil
}

// KeyInWorkTree returns the key that a file in the work tree stands for: of a
// link, or of pointer text. Files that hold content have none.
func (d *Dataset) KeyInWorkTree(e gitindex.Entry) (annexkey.Key, bool) {
	p := d.Repo.Path(e.Path)
	switch e.Mode {
	case gitobj.ModeSymlink:
		target, err := fsx.Readlink(p)
		if err == nil {
			return pointer.ParseLink(target)
		}
		fallthrough // somebody unlocked it
	case gitobj.ModeFile, gitobj.ModeExec:
		_, k, ok := readPointer(p)
		return k, ok
	}
	return annexkey.Key{}, false
}

// LacksContent reports whether a file that KeyInWorkTree has a key for must be
// filled, even where the annex has the content: an unlocked file, or one that
// stands for a link.
func (d *Dataset) LacksContent(e gitindex.Entry) bool {
	return e.Mode != gitobj.ModeSymlink || !d.Symlinks()
}
