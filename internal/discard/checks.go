package discard

import (
	"context"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/siblings"
)

// check reports what keeps the datasets from being taken away; false means that
// nothing may go.
func (r *dropping) check(ctx context.Context, targets []*target) (bool, error) {
	if r.opt.Reckless == Kill {
		return true, nil
	}
	ok := true
	for _, t := range targets {
		for _, test := range r.tests(t) {
			fit, err := test(ctx, t, targets)
			if err != nil {
				return false, err
			}
			if ok = ok && fit; !fit {
				break
			}
		}
		if r.opt.Reckless != Modification {
			fit, err := r.unchanged(ctx, t, targets)
			if err != nil {
				return false, err
			}
			ok = ok && fit
		}
	}
	return ok, nil
}

// test says whether one thing stands against taking a target away, and reports
// what does. It is given all targets.
type test func(context.Context, *target, []*target) (bool, error)

// tests lists what applies to a target: files go without the dataset.
func (r *dropping) tests(t *target) []test {
	switch {
	case t.whole():
		return []test{r.subdatasetsGone, r.jobsDone, r.pushed, r.dead}
	case r.opt.What == Datasets:
		return []test{r.known, r.subdatasetsGone}
	}
	return []test{r.known}
}

func (r *dropping) refuse(t *target, message any) error {
	return r.sink.Emit(result.New("uninstall", result.Error, t.d.Path(), result.Dataset).With("message", message))
}

// subdatasetsGone finds subdatasets that are here and stay.
func (r *dropping) subdatasetsGone(ctx context.Context, t *target, targets []*target) (bool, error) {
	var left []any
	opt := dataset.SubdatasetsOptions{State: "present", Levels: 1}
	if !t.whole() {
		opt.Paths = t.paths
	}
	err := t.d.Subdatasets(ctx, opt, func(s *dataset.Subdataset) error {
		if !slices.ContainsFunc(targets, func(o *target) bool { return o.d.Path() == s.Abs && o.whole() }) {
			left = append(left, s.Abs)
		}
		return nil
	})
	if err != nil || len(left) == 0 {
		return err == nil, err
	}
	return false, r.refuse(t, result.Tuple{"cannot drop dataset, subdataset(s) still present (forgot --recursive?): %s", left})
}

// jobsDone finds open jobs, whose outputs would have nowhere to go.
func (r *dropping) jobsDone(ctx context.Context, t *target, _ []*target) (bool, error) {
	claims, err := t.d.Claims(ctx)
	if err != nil || len(claims) == 0 {
		return err == nil, err
	}
	return false, r.refuse(t, "jobs of this dataset are open: finish or prune them first, or ignore via `--reckless kill`")
}

// pushed finds branches that no sibling has, and what git has stashed, which is
// never pushed.
func (r *dropping) pushed(ctx context.Context, t *target, _ []*target) (bool, error) {
	if r.opt.Reckless == Availability {
		return true, nil
	}
	// Adjusted branches are never pushed: what is on one must be on the original.
	if err := t.d.Propagate(ctx); err != nil {
		return false, err
	}
	out, err := t.d.Repo.Output(ctx, "for-each-ref", "--format=%(refname)", "refs/heads/", "refs/stash")
	if err != nil {
		return false, err
	}
	refs := strings.Fields(string(out))
	head, err := t.d.Repo.Head(ctx)
	if err != nil {
		return false, err
	}
	if head.Ref == "" {
		refs = append(refs, "HEAD")
	}
	var unique []any
	for _, ref := range refs {
		name := strings.TrimPrefix(strings.TrimPrefix(ref, "refs/heads/"), "refs/")
		if name == "git-annex" || strings.HasPrefix(name, "adjusted/") || strings.HasPrefix(name, "synced/") {
			continue
		}
		own, err := t.d.Repo.Output(ctx, "rev-list", "-n", "1", ref, "--not", "--remotes", "--")
		if err != nil {
			return false, err
		}
		if len(own) > 0 {
			unique = append(unique, name)
		}
	}
	if len(unique) == 0 {
		return true, nil
	}
	return false, r.refuse(t, result.Tuple{"to-be-dropped dataset has revisions that are not available at any known sibling. " +
		"Use `datalad push --to ...` to push these before dropping the local dataset, or ignore via `--reckless availability`. Unique revisions: %s", unique})
}

// dead finds siblings that still count on this annex.
func (r *dropping) dead(ctx context.Context, t *target, _ []*target) (bool, error) {
	if t.d.Annex == nil || r.opt.Reckless == Undead {
		return true, nil
	}
	var counting []any
	for _, name := range siblings.Names(t.d) {
		known, err := countsOn(ctx, t.d, "refs/remotes/"+name+"/git-annex")
		if err != nil {
			return false, err
		}
		if known {
			counting = append(counting, name)
		}
	}
	if len(counting) == 0 {
		return true, nil
	}
	return false, r.refuse(t, result.Tuple{"to-be-deleted local annex not declared 'dead' at the following siblings. " +
		"Announce death (`git annex dead here` + `datalad push --to ...`), or ignore via `--reckless undead`: %s", counting})
}

// countsOn reports whether a fetched git-annex branch knows this annex and does
// not take it for dead.
func countsOn(ctx context.Context, d *dataset.Dataset, ref string) (bool, error) {
	id, err := d.Repo.Ref(ctx, ref)
	if err != nil || id == "" {
		return false, err
	}
	_, data, err := d.Repo.Object(ctx, string(id)+":"+annexlog.UUIDFile, -1)
	if err != nil {
		return false, err
	}
	if _, known := annexlog.ParseUUIDLog(data).Get(d.Annex.UUID); !known {
		return false, nil
	}
	if _, data, err = d.Repo.Object(ctx, string(id)+":"+annexlog.TrustFile, -1); err != nil {
		return false, err
	}
	e, ok := annexlog.ParseUUIDLog(data).Get(d.Annex.UUID)
	return !ok || e.Value != annexlog.Dead.String(), nil
}

// unchanged reports unsaved content. Subdatasets that go along are looked at
// on their own.
func (r *dropping) unchanged(ctx context.Context, t *target, targets []*target) (bool, error) {
	scope := dataset.Scope{Subdatasets: dataset.EvalNone}
	if r.opt.What == Datasets || r.opt.What == All && t.whole() {
		scope.Subdatasets = dataset.EvalCommit
	}
	var err error
	if scope.Paths, err = t.within(); err != nil {
		return false, err
	}
	for _, o := range targets {
		if rel, err := t.d.Rel(o.d.Path()); o != t && o.whole() && err == nil {
			scope.Exclude = append(scope.Exclude, rel)
		}
	}
	found, err := t.d.Unsaved(ctx, scope, r.sink)
	return !found, err
}

// known finds paths in or at repositories that are not registered as
// subdatasets: git says nothing about what is in them.
func (r *dropping) known(_ context.Context, t *target, _ []*target) (bool, error) {
	paths, err := t.within()
	if err != nil {
		return false, err
	}
	ok := true
	for _, rel := range paths {
		for p := rel; p != "."; p = path.Dir(p) {
			abs := t.d.Repo.Path(filepath.FromSlash(p))
			if _, err := os.Lstat(filepath.Join(abs, ".git")); err != nil {
				continue
			}
			ok = false
			rec := result.New("drop", result.Impossible, abs, result.Dataset).With("parentds", t.d.Path())
			if err := r.sink.Emit(rec.Msg("this repository is not registered as a subdataset, name it with --dataset")); err != nil {
				return false, err
			}
			break
		}
	}
	return ok, nil
}
