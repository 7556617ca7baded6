package update

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/result"
)

// step is the update of one dataset.
type step struct {
	*updating
	d            *dataset.Dataset
	recorded     gitobj.OID
	how          string // "" for fetching only
	followParent bool
	lazy         bool
	branch       string
	sibling      string // that is updated from; "" where none was chosen
	tracking     bool   // the sibling is the one that the branch tracks
	byTracking   bool   // and was chosen for that
	target       string
}

// remoteOf returns the remote of a key "remote.NAME.url".
func remoteOf(key string) (string, bool) {
	return strings.CutSuffix(strings.TrimPrefix(key, "remote."), ".url")
}

// fetch brings what is new. The record is for where nothing else can be done.
func (s *step) fetch(ctx context.Context) (r result.Record, done bool, err error) {
	r = s.record(s.d, "update", result.NotNeeded)
	if s.lazy {
		head, err := s.d.RecordedHead(ctx)
		if err != nil || head == s.recorded {
			return r.With("message", result.Tuple{"Dataset already at commit registered in parent: %s", s.d.Path()}), true, err
		}
	}
	remotes := gitRemotes(s.d)
	if len(remotes) == 0 && s.opt.Sibling == "" {
		return r.With("message", result.Tuple{"No siblings known to dataset at %s\nSkipping", s.d.Path()}), true, nil
	}
	if err := s.choose(ctx, remotes); err != nil {
		return r, false, err
	}
	switch {
	case s.sibling != "" && !slices.Contains(remotes, s.sibling):
		return r.As(result.Impossible).With("message", result.Tuple{"'%s' not known to dataset %s\nSkipping", s.sibling, s.d.Path()}), true, nil
	case s.sibling == "" && s.how != "":
		return r.As(result.Impossible).Msg("Multiple siblings, please specify from which to update."), true, nil
	}
	if s.lazy && s.d.Repo.Has(ctx, s.recorded) {
		return r, false, nil
	}
	if err := s.fetchAll(ctx, remotes); err != nil {
		if ctx.Err() != nil {
			return r, false, err
		}
		return r.As(result.Error).With("message", result.Tuple{"Fetch failed: %s", err.Error()}), true, nil
	}
	return s.fetchRecorded(ctx, r)
}

// choose finds the sibling: the one that the user named, the only one, or the
// one that the branch tracks.
func (s *step) choose(ctx context.Context, remotes []string) error {
	head, err := s.d.Repo.Head(ctx)
	if err != nil {
		return err
	}
	s.branch = head.Branch()
	tracked, _, err := s.d.Repo.Tracking(ctx)
	if err != nil {
		return err
	}
	switch {
	case s.opt.Sibling != "":
		s.sibling = s.opt.Sibling
	case len(remotes) == 1:
		s.sibling = remotes[0]
	default:
		s.sibling, s.byTracking = tracked, tracked != ""
	}
	s.tracking = tracked != "" && tracked == s.sibling
	return nil
}

// fetchAll fetches from the sibling that the user named, or from all of remotes.
func (s *step) fetchAll(ctx context.Context, remotes []string) error {
	s.d.Env.Log.Info(fmt.Sprintf("Fetching updates for Dataset(%s)", s.d.Path()))
	args := []string{"fetch", "-q", "--no-recurse-submodules", "--prune"}
	if s.opt.Sibling != "" {
		args = append(args, "--", s.sibling)
	} else {
		// "--all" would take special remotes for git remotes, and fail.
		args = append(append(args, "--multiple", "--"), remotes...)
	}
	_, err := s.d.Repo.Output(ctx, args...)
	return err
}

// fetchRecorded brings the commit that the superdataset records, if no branch
// of the sibling has it.
func (s *step) fetchRecorded(ctx context.Context, r result.Record) (result.Record, bool, error) {
	if !s.followParent || s.d.Repo.Has(ctx, s.recorded) {
		return r, false, nil
	}
	r = r.As(result.Impossible)
	if s.sibling == "" {
		return r.With("message", result.Tuple{"Need to fetch %s directly but single sibling not resolved", string(s.recorded)}), true, nil
	}
	if _, err := s.d.Repo.Output(ctx, "fetch", "-q", "--no-recurse-submodules", "--", s.sibling, string(s.recorded)); err != nil {
		if ctx.Err() != nil {
			return r, false, err
		}
		return r.With("message", result.Tuple{"Attempt to fetch %s from %s failed: %s", string(s.recorded), s.sibling, err.Error()}), true, nil
	}
	return r, false, nil
}

// findTarget is the commit to go to: the sibling's branch of the same name, or
// the branch's upstream where the sibling has none or was chosen for it; ""
// where there is neither.
func (s *step) findTarget(ctx context.Context) (string, error) {
	if s.followParent {
		return string(s.recorded), nil
	}
	same := ""
	if s.branch != "" && !s.byTracking {
		id, err := s.d.Repo.Ref(ctx, "refs/remotes/"+s.sibling+"/"+s.branch)
		if err != nil {
			return "", err
		}
		if id != "" {
			same = s.sibling + "/" + s.branch
		}
	}
	if same == "" && s.tracking {
		merge := s.d.Repo.Config.Get("branch." + s.branch + ".merge")
		return s.sibling + "/" + strings.TrimPrefix(merge, "refs/heads/"), nil
	}
	return same, nil
}

// targetOrNone is the target for messages.
func (s *step) targetOrNone() any {
	if s.target == "" {
		return nil
	}
	return s.target
}
