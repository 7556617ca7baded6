package dataset

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/result"
)

// saving is one save in a hierarchy of datasets.
type saving struct {
	top   *Dataset
	opt   SaveOptions
	sink  result.Sink
	parts parts
	clean map[string]bool // datasets of which that is known already
	// declared says that the paths are outputs that were declared: they are
	// saved as they are, also where they are ignored.
	declared bool
}

// Save commits what changed in the work tree, bottom-up where subdatasets
// take part. It reports one record for each path and one for each dataset,
// whose status is notneeded where nothing had to be committed. It returns the
// id of d's own commit, or "" where there is none.
func (d *Dataset) Save(ctx context.Context, opt SaveOptions, sink result.Sink) (gitobj.OID, error) {
	if opt.Amend && opt.Levels != 0 {
		return "", errors.New("Cannot amend a commit recursively.")
	}
	s := &saving{top: d, opt: opt, sink: sink, parts: parts{}, clean: map[string]bool{}}
	refused, err := s.sort()
	if err != nil {
		return "", err
	}
	if len(s.parts) == 0 {
		if refused {
			return "", nil // each path was refused by a record
		}
		return "", s.sink.Emit(s.record(".", result.NotNeeded))
	}
	if err := d.descend(ctx, s.parts, opt.Levels); err != nil {
		return "", err
	}
	if err := s.upwards(); err != nil {
		return "", err
	}
	if err := s.lookAhead(ctx); err != nil {
		return "", err
	}
	return s.run(ctx)
}

// sort puts the typed paths to their datasets. Those outside are reported.
func (s *saving) sort() (refused bool, err error) {
	if len(s.opt.Paths) == 0 {
		s.parts.at(".").whole = true
		return false, nil
	}
	for _, typed := range s.opt.Paths {
		rel, err := s.top.Rel(typed)
		if err != nil {
			refused = true
			if err := s.refuse(s.top.Abs(typed), err); err != nil {
				return true, err
			}
			continue
		}
		ds := s.top.place(typed, rel, s.opt.FromTop)
		if ds == "." || s.exists(ds, rel) {
			s.parts.add(ds, rel)
		}
	}
	return refused, nil
}

func (s *saving) refuse(path string, err error) error {
	return s.sink.Emit(result.New("status", result.Error, path, "").Ref(s.top.Path()).Msg(err.Error()))
}

// exists reports whether there is, or was, anything at the path.
func (s *saving) exists(ds, rel string) bool {
	if _, err := os.Lstat(s.top.Repo.Path(filepath.FromSlash(rel))); err == nil {
		return true
	}
	sub, done, err := s.top.at(context.Background(), ds)
	if err != nil {
		return false
	}
	defer done()
	index, err := sub.Repo.ReadIndex()
	if err != nil {
		return true
	}
	inside := relTo(ds, rel)
	if _, ok := index.Lookup(inside); ok {
		return true
	}
	for range index.Under(inside) {
		return true
	}
	return false
}

// upwards makes every dataset that lies above another one record that one's
// commit. Where the user named the dataset to work in, that goes up to it.
func (s *saving) upwards() error {
	if s.opt.FromTop {
		s.parts.at(".")
	}
	for _, p := range s.parts.sorted() {
		for rel := p.rel; rel != "."; {
			above := s.top.datasetOf(path.Dir(rel))
			if !s.above(above) {
				break
			}
			parent, inside := s.parts.at(above), relTo(above, rel)
			if !parent.whole && !underAny(inside, parent.paths) {
				parent.subs = append(parent.subs, inside)
			}
			rel = above
		}
	}
	return nil
}

// above reports whether the dataset takes part, or lies below one that does.
func (s *saving) above(rel string) bool {
	for {
		if s.parts[rel] != nil {
			return true
		}
		if rel == "." {
			return false
		}
		rel = path.Dir(rel)
	}
}

// lookAhead finds out, side by side and without a process for each, which of
// many subdatasets have nothing to save.
func (s *saving) lookAhead(ctx context.Context) error {
	if len(s.parts) == 1 || s.opt.Amend {
		return nil
	}
	var leaves []*part
	parents := map[string]bool{}
	for rel := range s.parts {
		for rel != "." {
			rel = path.Dir(rel)
			parents[rel] = true
		}
	}
	for _, p := range s.parts.sorted() {
		if p.whole && !parents[p.rel] {
			leaves = append(leaves, p)
		}
	}
	clean := make([]bool, len(leaves))
	err := sideBySide(ctx, len(leaves), func(ctx context.Context, i int) error {
		sub, done, err := s.top.at(ctx, leaves[i].rel)
		if err != nil {
			return nil // run will say so
		}
		defer done()
		clean[i], err = sub.certainlyClean(ctx, Scope{NoUntracked: s.opt.Updated, Subdatasets: EvalCommit})
		return err
	})
	for i, p := range leaves {
		s.clean[p.rel] = clean[i]
	}
	return err
}

// run saves the datasets, each after those below it.
func (s *saving) run(ctx context.Context) (gitobj.OID, error) {
	list := s.parts.sorted()
	var id gitobj.OID
	for i := len(list) - 1; i >= 0; i-- {
		made, err := s.one(ctx, list[i])
		if err != nil {
			if list[i].rel != "." {
				err = fmt.Errorf("subdataset %s: %w", list[i].rel, err)
			}
			return "", err
		}
		if list[i].rel == "." {
			id = made
		}
	}
	return id, nil
}

func (s *saving) record(rel string, status result.Status) result.Record {
	return result.New("save", status, s.top.Repo.Path(filepath.FromSlash(rel)), result.Dataset).Ref(s.top.Path())
}

// one saves one dataset.
func (s *saving) one(ctx context.Context, p *part) (gitobj.OID, error) {
	if s.clean[p.rel] && s.opt.Tag == "" {
		return "", s.sink.Emit(s.record(p.rel, result.NotNeeded))
	}
	d, done, err := s.top.at(ctx, p.rel)
	if errors.Is(err, git.ErrNoRepository) {
		return "", errs.WithHint(err, "it went away meanwhile; save again")
	}
	if err != nil {
		return "", err
	}
	defer done()
	if err := d.Writable(ctx); err != nil {
		return "", err
	}
	staged, refused, err := s.stage(ctx, d, p)
	if err != nil || refused {
		return "", err
	}
	opt := s.opt
	opt.refds = s.top.Path()
	opt.AllowEmpty = opt.AllowEmpty && p.rel == "."
	id, err := d.Commit(ctx, staged, opt, s.sink)
	if err != nil {
		return id, err
	}
	return id, d.Propagate(ctx)
}

func (s *saving) stage(ctx context.Context, d *Dataset, p *part) (staged *Staged, refused bool, err error) {
	opt := StageOptions{ToGit: s.opt.ToGit, Jobs: s.opt.Jobs}
	if s.declared {
		staged, err = d.stageDeclared(ctx, p, opt)
		return staged, false, err
	}
	scope, refused, err := s.scope(ctx, d, p)
	if err != nil || refused {
		return nil, refused, err
	}
	if !p.whole && len(scope.Paths) == 0 && len(p.subs) == 0 {
		return &Staged{}, false, nil
	}
	staged, err = d.stageScope(ctx, scope, p, opt)
	return staged, false, err
}

// scope is what of the dataset is looked at. Claimed paths are passed over, or
// refused where named.
func (s *saving) scope(ctx context.Context, d *Dataset, p *part) (scope Scope, refused bool, err error) {
	scope = Scope{NoUntracked: s.opt.Updated, AllUntracked: true, Subdatasets: EvalCommit}
	if s.opt.Levels > 0 {
		scope.Subdatasets = EvalFull // what lies deeper is named, too
	}
	claims, err := d.Claims(ctx)
	if err != nil {
		return scope, false, err
	}
	for _, rel := range p.scopePaths() {
		if err := claims.refuse(rel); err != nil {
			refused = true
			if err := s.refuse(d.Repo.Path(filepath.FromSlash(rel)), err); err != nil {
				return scope, true, err
			}
			continue
		}
		scope.Paths = append(scope.Paths, rel)
	}
	scope.Exclude = claims.passOver(d.Env.Log)
	return scope, refused && len(scope.Paths) == 0 && len(p.subs) == 0, nil
}

// forced lists subdatasets that are to be recorded although nothing says that
// they changed.
func (d *Dataset) forced(subs []string, changes []Change) ([]Change, error) {
	if len(subs) == 0 {
		return nil, nil
	}
	have := map[string]bool{}
	for _, c := range changes {
		have[c.Path] = true
	}
	index, err := d.Repo.ReadIndex()
	if err != nil {
		return nil, err
	}
	var list []Change
	for _, rel := range subs {
		if have[rel] {
			continue
		}
		have[rel] = true
		c := Change{Path: rel, State: Untracked, Type: result.Dir, WorkTree: true}
		if e, ok := index.Lookup(rel); ok && e.Mode == gitobj.ModeGitlink {
			c = Change{Path: rel, State: Modified, Type: result.Dataset, Mode: e.Mode, OID: e.OID, Prev: e.OID, PrevMode: e.Mode, WorkTree: true}
		}
		list = append(list, c)
	}
	return list, nil
}

// tag tags the version that was saved; that counts as a change, also where
// nothing else was.
func (d *Dataset) tag(ctx context.Context, tag string, r result.Record, sink result.Sink) error {
	_, err := d.Repo.Output(ctx, "tag", "--", tag)
	if err == nil {
		return sink.Emit(r.As(result.OK).With("version_tag", tag))
	}
	if r.Status == result.OK {
		if err := sink.Emit(r); err != nil {
			return err
		}
	}
	var why *git.CommandError
	text := err.Error()
	if errors.As(err, &why) {
		text = strings.TrimSpace(why.Stderr)
	}
	return sink.Emit(r.As(result.Error).With("message", result.Tuple{"cannot tag this version: %s", text}))
}
