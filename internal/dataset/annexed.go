package dataset

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/pointer"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/fetchurl"
)

// This file is what the commands of git-annex build on: the same decisions and
// steps as in save, get and drop, one by one.

// Large reports whether annex.largefiles sends a file to the annex; configured
// is false where nothing is said about it.
func (d *Dataset) Large(ctx context.Context, rel string, fi fs.FileInfo) (large, configured bool, err error) {
	return d.LargeAs(ctx, rel, d.Repo.Path(rel), fi)
}

// LargeAs is Large for a file at path that is about to get the name rel.
func (d *Dataset) LargeAs(ctx context.Context, rel, path string, fi fs.FileInfo) (large, configured bool, err error) {
	text, err := d.largefiles(ctx, rel)
	if err != nil || text == "" {
		return true, false, err
	}
	c := &content{path: path, fi: fi}
	defer c.close()
	large, err = d.large(ctx, rel, c)
	return large, true, err
}

// AddUnlocked reports whether annex.addunlocked, or the adjusted branch that is
// checked out, asks for a pointer instead of a link. The content is here.
func (d *Dataset) AddUnlocked(ctx context.Context, rel string, fi fs.FileInfo) (bool, error) {
	if !d.Symlinks() {
		return true, nil
	}
	if a, err := d.adjustment(ctx); err != nil || a.Unlock || a.UnlockPresent {
		return err == nil, err
	}
	text, ok := d.Repo.Config.Lookup("annex.addunlocked")
	if !ok {
		var err error
		if text, err = d.branchSetting(ctx, "annex.addunlocked"); err != nil {
			return false, err
		}
	}
	if text = strings.TrimSpace(text); text == "" {
		return ok && text == "" && d.Repo.Config.Bool("annex.addunlocked", false), nil
	}
	if v, isBool := git.ParseBool(text); isBool {
		return v, nil
	}
	expr, err := d.expression(text)
	if err != nil {
		return false, fmt.Errorf("annex.addunlocked: %w", err)
	}
	c := &content{path: d.Repo.Path(rel), fi: fi}
	defer c.close()
	return expr.Match(&candidate{rel, c})
}

// RepositoryBool is a yes-or-no setting of git's configuration, or else of the
// git-annex branch (config.log).
func (d *Dataset) RepositoryBool(ctx context.Context, key string, def bool) (bool, error) {
	if _, ok := d.Repo.Config.Lookup(key); ok {
		return d.Repo.Config.Bool(key, def), nil
	}
	text, err := d.branchSetting(ctx, key)
	if v, ok := git.ParseBool(text); ok && text != "" {
		return v, err
	}
	return def, err
}

// Attributes returns the values of git attributes of a path; "" where they
// have none.
func (d *Dataset) Attributes(rel string, names ...string) (map[string]string, error) {
	v, err := d.matcher().Get(rel, names...)
	if err != nil {
		return nil, fmt.Errorf("attributes of %s: %w", rel, err)
	}
	out := map[string]string{}
	for name, value := range v {
		out[name] = value.Text
	}
	return out, nil
}

// Backend is the hash backend for new content at the path.
func (d *Dataset) Backend(rel string) (annexkey.Backend, error) { return d.backend(rel) }

// ExtRule is what keys take over from file names.
func (d *Dataset) ExtRule() annexkey.ExtRule { return d.extRule() }

// PointerKey returns the key if the blob is pointer text.
func (d *Dataset) PointerKey(ctx context.Context, id gitobj.OID) (annexkey.Key, bool, error) {
	return d.pointerKey(ctx, id)
}

// Populate fills the unlocked files of the keys, whose content is here, and
// lets the index know.
func (d *Dataset) Populate(ctx context.Context, keys []annexkey.Key) error {
	return d.populate(ctx, keys)
}

// Depopulate turns the unmodified unlocked files of keys that are gone into
// pointer text.
func (d *Dataset) Depopulate(ctx context.Context, keys []annexkey.Key) error {
	return d.depopulate(ctx, keys)
}

// PopulateFiles fills those of the files, by their index entries, that are
// pointer text of content that is here.
func (d *Dataset) PopulateFiles(ctx context.Context, paths []string) error {
	index, err := d.Repo.ReadIndex()
	if err != nil {
		return err
	}
	return d.swapAll(ctx, func(s *swapping) error { return s.fillPaths(ctx, index, paths) })
}

func (s *swapping) fillPaths(ctx context.Context, index *gitindex.File, paths []string) error {
	seen := make(map[string]bool, len(paths))
	for _, p := range paths {
		e, ok := index.Lookup(p)
		if !ok || e.Stage != 0 || e.Mode != gitobj.ModeFile && e.Mode != gitobj.ModeExec || seen[p] {
			continue
		}
		seen[p] = true
		k, isPointer, err := s.d.pointerKey(ctx, e.OID)
		if err != nil {
			return err
		}
		if !isPointer {
			continue
		}
		if err := s.fill(ctx, unlockedEntry{e, k}); err != nil {
			return fmt.Errorf("fill %s: %w", p, err)
		}
	}
	return nil
}

// UnlockedKeys lists the keys of all unlocked files of the index that are
// pointer text in the work tree although their content is here.
func (d *Dataset) UnlockedKeys(ctx context.Context) ([]annexkey.Key, error) {
	index, err := d.Repo.ReadIndex()
	if err != nil {
		return nil, err
	}
	var keys []annexkey.Key
	for e, err := range index.Entries() {
		if err != nil {
			return nil, err
		}
		if e.Stage != 0 || e.Mode != gitobj.ModeFile && e.Mode != gitobj.ModeExec || int64(e.Stat.Size) > pointer.MaxSize {
			continue
		}
		if _, k, ok := readPointer(d.Repo.Path(e.Path)); ok && d.Annex.Has(k) {
			keys = append(keys, k)
		}
	}
	return keys, nil
}

// IndexEdit changes an entry that must still have the id Was; where Was is ""
// whatever is there.
type IndexEdit struct {
	gitindex.Edit
	Was gitobj.OID
}

// UpdateIndex applies the edits, whose blobs git has, under git's lock. An edit
// whose file has changed since its Stat was taken loses the Stat, so that git
// looks at the file itself.
func (d *Dataset) UpdateIndex(ctx context.Context, edits []IndexEdit) error {
	list := make([]indexEdit, len(edits))
	for i, e := range edits {
		list[i] = indexEdit{e.Edit, e.Was}
	}
	return d.updateIndex(ctx, list)
}

// StoreBlobs makes blobs of the texts and returns their ids.
func (d *Dataset) StoreBlobs(ctx context.Context, texts [][]byte) ([]gitobj.OID, error) {
	if len(texts) == 0 {
		return nil, nil
	}
	w := d.Repo.WriteObjects(ctx)
	defer w.Abort()
	ids := make([]gitobj.OID, len(texts))
	for i, t := range texts {
		var err error
		if ids[i], err = w.WriteBlob(t); err != nil {
			return nil, err
		}
	}
	return ids, w.Close()
}

// SameContent reports whether a file holds what the key stands for.
func (d *Dataset) SameContent(ctx context.Context, path string, k annexkey.Key) (bool, error) {
	v, err := d.hasKey(ctx, path, k)
	return v == same, err
}

// HashAs is the key that a file's content has under a backend, for the name.
func (d *Dataset) HashAs(ctx context.Context, path, name string, b annexkey.Backend) (annexkey.Key, error) {
	k, _, err := annex.Hash(ctx, path, filepath.Base(name), b, d.extRule())
	return k, err
}

// WebClient downloads from URLs by the rules of this repository.
func (d *Dataset) WebClient() *fetchurl.Client {
	return fetchurl.New(remote.Setup{
		Settings: d.Repo.Config, Env: d.Env.Vars, Home: d.env("HOME"),
		WorkTree: d.Path(), GitDir: d.Repo.CommonDir, Log: d.Env.Log,
	})
}
