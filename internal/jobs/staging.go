package jobs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/stage"
)

// staging collects the files that an isolated job is to have, from a commit and
// from the annex, and puts them into its folder.
type staging struct {
	d       *dataset.Dataset
	w       *work
	files   *committed
	base    gitobj.OID // the commit
	folder  string
	claims  []string
	present bool // absent content is not fetched
	jobs    int  // parallel transfers; 0: the default
	sink    result.Sink

	list    []stage.File
	seen    map[string]bool         // paths that were looked at
	passed  map[string]bool         // links that only lead on
	keys    map[string]annexkey.Key // of annexed files
	entries map[string]git.TreeEntry
	convert []string // files that git must write
	folders []string
	ids     map[string]string // of the inputs

	found     *scriptInfo // the job script; nil: there is none
	ownScript string      // its path, if it is of the commit

	outside []string // inputs that lie elsewhere
	held    int      // bytes of contents in memory
}

// maxHeld bounds the contents that are kept between two looks at them.
const maxHeld = 32 << 20

// collect finds all files, brings absent content here, and says what of it is
// another version than that in the work tree.
func (s *staging) collect(ctx context.Context) error {
	s.seen = map[string]bool{}
	s.keys, s.entries, s.passed = map[string]annexkey.Key{}, map[string]git.TreeEntry{}, map[string]bool{}
	for _, g := range s.w.inputGlobs() {
		for _, p := range g.ExpandStrict() {
			if !filepath.IsAbs(p) {
				p = s.w.dir + "/" + p
			}
			rel, err := s.input(ctx, p)
			if err != nil {
				return fmt.Errorf("input %w", err)
			}
			if rel != "" {
				s.ids[rel] = s.idOf(rel)
			}
		}
		if err := g.Err(); err != nil {
			return err
		}
	}
	if err := s.script(ctx); err != nil {
		return err
	}
	if err := s.selectConverted(ctx); err != nil {
		return err
	}
	if err := s.locate(ctx); err != nil {
		return err
	}
	if s.files.err != nil {
		return s.files.err
	}
	outer := &identifier{top: s.w.top, format: s.d.Repo.Format, index: func() *gitindex.File { return nil }}
	ids, err := outer.identify(ctx, s.outside)
	if err != nil {
		return err
	}
	for p, id := range ids {
		s.ids[p] = id
	}
	return s.warnDrift(ctx)
}

// input takes in what a path leads to, and the links on the way. It returns the
// path without those, or "" for what lies outside the dataset.
func (s *staging) input(ctx context.Context, name string) (rel string, err error) {
	p := s.files.find(name, false)
	s.passLinks(p)
	switch {
	case s.files.err != nil:
		return "", s.files.err
	case p.outside != "":
		if inside, ok := s.insideAfterAll(p.outside); ok {
			return s.input(ctx, inside)
		}
		s.outside = append(s.outside, path.Clean(p.outside))
		return "", nil
	case !p.exists():
		return "", fmt.Errorf("%s is not in the commit %s", strings.TrimPrefix(name, s.w.top+"/"), s.base.Short())
	}
	return p.rel, s.add(ctx, p.rel, p.entry)
}

// insideAfterAll recognises a file of the dataset that is named by a link which
// leads there from outside.
func (s *staging) insideAfterAll(name string) (string, bool) {
	dir, err := filepath.EvalSymlinks(filepath.Dir(name))
	return filepath.Join(dir, filepath.Base(name)), err == nil && within(dir, s.files.top)
}

// idOf is the id of an input as identifier gives it for an unchanged work tree.
func (s *staging) idOf(rel string) string {
	if k, ok := s.keys[rel]; ok {
		return k.String()
	}
	e := s.files.lookup(rel)
	if e.Mode == gitobj.ModeTree {
		return "tree " + string(e.OID)
	}
	return string(e.OID)
}

// own reports whether an input is an output as well.
func (s *staging) own(rel string) bool {
	return slices.ContainsFunc(s.claims, func(c string) bool { return within(rel, c) })
}

// script takes in the job script.
func (s *staging) script(ctx context.Context) error {
	w := s.w
	name := findScriptIn(func(name string) bool {
		p := s.files.find(absolute(w.dir, name), true)
		return p.exists() && !isFolder(p.entry) || isRegular(w.dir, name)
	}, w.expanded)
	if name == "" {
		return nil
	}
	p := s.files.find(absolute(w.dir, name), true)
	switch {
	case p.outside != "":
		info, err := w.scriptOf(ctx, &identifier{top: w.top, format: s.d.Repo.Format, index: func() *gitindex.File { return nil }})
		s.found = info
		return err
	case filepath.IsAbs(name):
		return errs.WithHint(fmt.Errorf("the job script %s is that of the work tree, not the committed one", name), "name it relative to the folder of the command")
	case !p.exists():
		return errs.WithHint(fmt.Errorf("the job script %s is not committed, and isolated jobs see only what is", name), "save it first")
	}
	rel, err := s.input(ctx, absolute(w.dir, name))
	if err == nil && rel != p.rel {
		err = s.add(ctx, p.rel, p.entry)
	}
	if err != nil {
		return fmt.Errorf("job script %w", err)
	}
	s.found = &scriptInfo{Path: p.rel, ID: s.idOf(p.rel), State: stateClean}
	s.ownScript = p.rel
	return nil
}

// absolute joins without cleaning: behind a link, ".." is not what it seems.
func absolute(dir, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return dir + "/" + name
}

// selectConverted finds the files whose content git changes on its way to a
// work tree.
func (s *staging) selectConverted(ctx context.Context) error {
	converts := s.d.Converter(func(dir string) ([]byte, error) {
		e := s.files.lookup(path.Join(".", dir, ".gitattributes"))
		if !e.Mode.IsRegular() {
			return nil, fs.ErrNotExist
		}
		return s.d.Repo.SmallBlob(ctx, e.OID, maxAttributes)
	})
	var rest []stage.File
	for _, f := range s.list {
		convert := false
		if _, annexed := s.keys[f.Path]; f.Link == "" && !annexed {
			var err error
			if convert, err = converts(f.Path); err != nil {
				return err
			}
		}
		if convert {
			s.convert = append(s.convert, f.Path)
		} else {
			rest = append(rest, f)
		}
	}
	s.list = rest
	return s.files.err
}

// maxAttributes bounds a .gitattributes file, as git does.
const maxAttributes = 100 << 20

// locate finds the content of annexed files, and fetches what is absent.
func (s *staging) locate(ctx context.Context) error {
	if len(s.keys) == 0 {
		return nil
	}
	if err := s.d.EnsureAnnex(ctx); err != nil {
		return err
	}
	if s.d.Annex == nil {
		return errors.New("inputs are annexed, but this repository has no annex")
	}
	if absent := s.absent(); len(absent) > 0 && !s.present {
		s.d.Env.Log.Info("Making sure inputs are available (this may take some time)")
		if err := s.d.Get(ctx, dataset.GetOptions{Committed: absent, Jobs: s.jobs, Quiet: true}, s.sink); err != nil {
			return err
		}
	}
	for i := range s.list {
		f := &s.list[i]
		key, annexed := s.keys[f.Path]
		if !annexed {
			continue
		}
		object, here := s.d.Annex.Locate(key)
		if !here {
			return errs.WithHint(fmt.Errorf("the content of input %s is not available", f.Path), "bring it here with `stemma get`, or see `git annex whereis`")
		}
		f.Source = object
	}
	return nil
}

func (s *staging) absent() map[string]annexkey.Key {
	absent := map[string]annexkey.Key{}
	for rel, key := range s.keys {
		if !s.d.Annex.Has(key) {
			absent[rel] = key
		}
	}
	return absent
}

// place puts all files into the folder.
func (s *staging) place(ctx context.Context, area *stage.Area) ([]stage.Placed, error) {
	placed, err := area.Place(ctx, s.folder, s.list)
	if err != nil || len(s.convert) == 0 {
		return placed, err
	}
	var edits []gitindex.Edit
	wanted := map[string]bool{}
	for _, rel := range s.convert {
		wanted[rel] = true
		edits = append(edits, gitindex.Edit{Path: rel, Mode: s.entries[rel].Mode, OID: s.entries[rel].OID})
	}
	for _, rel := range attributeFiles(s.convert) {
		if e := s.files.lookup(rel); e.Mode.IsRegular() && !wanted[rel] {
			edits = append(edits, gitindex.Edit{Path: rel, Mode: e.Mode, OID: e.OID})
		}
	}
	index := filepath.Join(s.folder, ".stemma-index")
	if err := s.d.Repo.CheckoutInto(ctx, s.folder, index, edits, func(p string) bool { return wanted[p] }); err != nil {
		return nil, err
	}
	for _, rel := range s.convert {
		p, err := area.Adopt(s.folder, rel, s.own(rel))
		if err != nil {
			return nil, err
		}
		placed = append(placed, p)
	}
	return placed, nil
}

// attributeFiles names the files that may say how others are converted.
func attributeFiles(paths []string) (list []string) {
	seen := map[string]bool{}
	for _, p := range paths {
		for dir := path.Dir(p); !seen[dir]; dir = path.Dir(dir) {
			seen[dir] = true
			list = append(list, path.Join(dir, ".gitattributes"))
		}
	}
	return list
}
