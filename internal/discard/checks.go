package discard

import (
	"context"
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
		if !t.whole() {
			continue
		}
		for _, test := range []func(context.Context, *target, []*target) (bool, error){r.subdatasetsGone, r.jobsDone, r.pushed, r.dead} {
			fit, err := test(ctx, t, targets)
			if err != nil {
				return false, err
			}
			if ok = ok && fit; !fit {
				break
			}
		}
		if r.opt.Reckless != Modification {
			fit, err := r.unchanged(ctx, t)
			if err != nil {
				return false, err
			}
			ok = ok && fit
		}
	}
	return ok, nil
}

func (r *dropping) refuse(t *target, message any) error {
	return r.sink.Emit(result.New("uninstall", result.Error, t.d.Path(), result.Dataset).With("message", message))
}

// subdatasetsGone finds subdatasets that are here and stay.
func (r *dropping) subdatasetsGone(ctx context.Context, t *target, targets []*target) (bool, error) {
	var left []any
	err := t.d.Subdatasets(ctx, dataset.SubdatasetsOptions{State: "present", Levels: 1}, func(s *dataset.Subdataset) error {
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

// unchanged reports unsaved content.
func (r *dropping) unchanged(ctx context.Context, t *target) (bool, error) {
	scope := dataset.Scope{Subdatasets: dataset.EvalNone}
	if r.opt.wholes() {
		scope.Subdatasets = dataset.EvalCommit
	}
	changes, err := t.d.Changes(ctx, scope)
	if err != nil {
		return false, err
	}
	ok := true
	for _, c := range changes {
		if c.State != dataset.Modified && c.State != dataset.Untracked {
			continue
		}
		ok = false
		rec := result.New("drop", result.Impossible, t.d.Repo.Path(c.Path), c.Type).With("parentds", t.d.Path()).
			With("state", string(c.State)).Msg("cannot drop " + string(c.State) + " content, save first")
		if err := r.sink.Emit(rec); err != nil {
			return false, err
		}
	}
	return ok, nil
}
