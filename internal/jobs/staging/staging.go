// Package staging puts into the folder of an isolated job what the job has
// declared, from a commit and from the annex, never from the work tree. It knows
// no scheduler and no ledger.
package staging

import (
	"context"
	"fmt"
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
	"github.com/stemma-data/stemma/internal/jobs/committed"
	"github.com/stemma-data/stemma/internal/jobs/fileid"
	"github.com/stemma-data/stemma/internal/jobs/jobpath"
	"github.com/stemma-data/stemma/internal/jobs/jobrec"
	"github.com/stemma-data/stemma/internal/jobs/jobspec"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/sched/sbatchline"
	"github.com/stemma-data/stemma/internal/stage"
)

// Staging collects the files that an isolated job is to have, from a commit and
// from the annex, and puts them into its folder.
type Staging struct {
	Dataset *dataset.Dataset
	Work    *jobspec.Work
	Files   *committed.Tree
	Base    gitobj.OID // the commit
	Folder  string
	Claims  []string
	Present bool // absent content is not fetched
	Jobs    int  // parallel transfers; 0: the default
	Sink    result.Sink

	list    []stage.File
	seen    map[string]bool         // paths that were looked at
	passed  map[string]bool         // links that only lead on
	keys    map[string]annexkey.Key // of annexed files
	entries map[string]git.TreeEntry
	convert []string // files that git must write
	folders []string
	IDs     map[string]string // of the inputs

	Script    *jobrec.Script // the job script; nil: there is none
	OwnScript string         // its path, if it is of the commit

	outside []string // inputs that lie elsewhere
	held    int      // bytes of contents in memory
}

// maxHeld bounds the contents that are kept between two looks at them.
const maxHeld = 32 << 20

// Collect finds all files, brings absent content here, and says what of it is
// another version than that in the work tree.
func (s *Staging) Collect(ctx context.Context) error {
	s.seen = map[string]bool{}
	s.keys, s.entries, s.passed = map[string]annexkey.Key{}, map[string]git.TreeEntry{}, map[string]bool{}
	for _, g := range s.Work.InputGlobs() {
		for _, p := range g.ExpandStrict() {
			if !filepath.IsAbs(p) {
				p = s.Work.Dir + "/" + p
			}
			rel, err := s.input(ctx, p)
			if err != nil {
				return fmt.Errorf("input %w", err)
			}
			if rel != "" {
				s.IDs[rel] = s.idOf(rel)
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
	if s.Files.Err != nil {
		return s.Files.Err
	}
	outer := &fileid.Identifier{Top: s.Work.Top, Format: s.Dataset.Repo.Format, Index: func() *gitindex.File { return nil }}
	ids, err := outer.Identify(ctx, s.outside)
	if err != nil {
		return err
	}
	for p, id := range ids {
		s.IDs[p] = id
	}
	return s.warnDrift(ctx)
}

// input takes in what a path leads to, and the links on the way. It returns the
// path without those, or "" for what lies outside the dataset.
func (s *Staging) input(ctx context.Context, name string) (rel string, err error) {
	p := s.Files.Find(name, false)
	s.passLinks(p)
	switch {
	case s.Files.Err != nil:
		return "", s.Files.Err
	case p.Outside != "":
		if inside, ok := s.insideAfterAll(p.Outside); ok {
			return s.input(ctx, inside)
		}
		s.outside = append(s.outside, path.Clean(p.Outside))
		return "", nil
	case p.Entry.Mode == gitobj.ModeGitlink:
		return "", absentSub(p.Rel)
	case !p.Exists():
		return "", fmt.Errorf("%s is not in the commit %s", strings.TrimPrefix(name, s.Work.Top+"/"), s.Base.Short())
	}
	return p.Rel, s.add(ctx, p.Rel, p.Entry)
}

// insideAfterAll recognises a file of the dataset that is named by a link which
// leads there from outside.
func (s *Staging) insideAfterAll(name string) (string, bool) {
	dir, err := filepath.EvalSymlinks(filepath.Dir(name))
	return filepath.Join(dir, filepath.Base(name)), err == nil && jobpath.Within(dir, s.Files.Top)
}

// idOf is the id of an input as fileid gives it for an unchanged work tree.
func (s *Staging) idOf(rel string) string {
	if k, ok := s.keys[rel]; ok {
		return k.String()
	}
	e := s.Files.Lookup(rel)
	if e.Mode == gitobj.ModeTree {
		return "tree " + string(e.OID)
	}
	return string(e.OID)
}

// own reports whether an input is an output as well.
func (s *Staging) own(rel string) bool {
	return slices.ContainsFunc(s.Claims, func(c string) bool { return jobpath.Within(rel, c) })
}

// script takes in the job script.
func (s *Staging) script(ctx context.Context) error {
	w := s.Work
	name := sbatchline.FindScriptIn(func(name string) bool {
		p := s.Files.Find(absolute(w.Dir, name), true)
		return p.Exists() && !committed.IsFolder(p.Entry) || sbatchline.IsRegular(w.Dir, name)
	}, w.Expanded)
	if name == "" {
		return nil
	}
	p := s.Files.Find(absolute(w.Dir, name), true)
	switch {
	case p.Outside != "":
		info, err := w.ScriptOf(ctx, &fileid.Identifier{Top: w.Top, Format: s.Dataset.Repo.Format, Index: func() *gitindex.File { return nil }})
		s.Script = info
		return err
	case filepath.IsAbs(name):
		return errs.WithHint(fmt.Errorf("the job script %s is that of the work tree, not the committed one", name), "name it relative to the folder of the command")
	case !p.Exists():
		return errs.WithHint(fmt.Errorf("the job script %s is not committed, and isolated jobs see only what is", name), "save it first")
	}
	rel, err := s.input(ctx, absolute(w.Dir, name))
	if err == nil && rel != p.Rel {
		err = s.add(ctx, p.Rel, p.Entry)
	}
	if err != nil {
		return fmt.Errorf("job script %w", err)
	}
	s.Script = &jobrec.Script{Path: p.Rel, ID: s.idOf(p.Rel), State: fileid.Clean}
	s.OwnScript = p.Rel
	return nil
}

// absolute joins without cleaning: behind a link, ".." is not what it seems.
func absolute(dir, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return dir + "/" + name
}
