// Package update brings what siblings have in git into a dataset and its
// subdatasets: it fetches, merges or moves branches, and merges what is known
// of where content lies. Content itself is fetched only again where a file that
// had content was changed.
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

// The ways in which fetched changes reach the work tree.
const (
	Fetch    = "fetch" // not at all
	Merge    = "merge"
	FFOnly   = "ff-only"
	Reset    = "reset"
	Checkout = "checkout"
)

// Where the new state of subdatasets comes from.
const (
	FollowSibling    = "sibling"
	FollowParent     = "parentds"      // the commit that the superdataset records
	FollowParentLazy = "parentds-lazy" // as before, without fetching where it is here
)

// Options says what is updated, and how.
type Options struct {
	Paths       []string // absolute; only subdatasets at or below them
	Sibling     string   // "": all are fetched
	How         string   // "" is Fetch
	HowSubs     string   // "" is How
	Follow      string   // "" is FollowSibling
	Levels      int      // of subdatasets
	ReobtainAll bool     // get changed files whose content was here
	Message     string   // for the superdataset's commit; "" for DataLad's
}

// savedMessage is the commit message for updated subdatasets.
const savedMessage = "[DATALAD] Save updated subdatasets"

// Update does so for a dataset, then for its subdatasets; those that changed
// are saved in it.
func Update(ctx context.Context, d *dataset.Dataset, opt Options, sink result.Sink) error {
	if opt.HowSubs == "" {
		opt.HowSubs = opt.How
	}
	if opt.Follow == "" {
		opt.Follow = FollowSibling
	}
	u := &updating{opt: opt, top: d, sink: sink}
	top, err := u.one(ctx, d, "", opt.How)
	if err != nil || opt.Levels == 0 {
		return err
	}
	var updated []string
	how, seen := opt.How, false
	err = d.Subdatasets(ctx, dataset.SubdatasetsOptions{State: "present", Levels: opt.Levels, Paths: opt.Paths}, func(s *dataset.Subdataset) error {
		how, seen = opt.HowSubs, true
		repo, err := d.Repo.OpenBelow(ctx, s.Abs)
		if err != nil {
			return err
		}
		defer repo.Close()
		sub, err := dataset.From(repo, d.Env)
		if err != nil {
			return err
		}
		sub.Settle(ctx)
		out, err := u.one(ctx, sub, s.Commit, opt.HowSubs)
		if out == updatedIt {
			updated = append(updated, s.Abs)
		}
		return err
	})
	if err == nil && !seen && len(opt.Paths) > 0 {
		d.Env.Log.Warn("path constraints did not match an installed subdataset: " + strings.Join(opt.Paths, ", "))
	}
	if err != nil || how == "" || how == Fetch || len(updated) == 0 {
		return err
	}
	if top == failedIt {
		d.Env.Log.Warn(fmt.Sprintf("Not saving because top-level dataset %s had an update failure in subdataset", d.Path()))
		return nil
	}
	return u.save(ctx, updated)
}

// updating is one run of Update.
type updating struct {
	opt  Options
	top  *dataset.Dataset
	sink result.Sink
}

func (u *updating) record(d *dataset.Dataset, action string, status result.Status) result.Record {
	return result.New(action, status, d.Path(), result.Dataset).Ref(u.top.Path())
}

// save records the new commits of subdatasets.
func (u *updating) save(ctx context.Context, paths []string) error {
	message := u.opt.Message
	if message == "" {
		message = savedMessage
	}
	super, err := dataset.Open(ctx, u.top.Path(), "save", u.top.Env) // its branch has moved
	if err != nil {
		return err
	}
	defer super.Close()
	_, err = super.Save(ctx, dataset.SaveOptions{Paths: paths, FromTop: true, Message: message, Reason: "stemma update"}, u.sink)
	return err
}

// outcome is what became of one dataset.
type outcome int

const (
	leftIt    outcome = iota // as it was: nothing was fetched, or nothing could be done with it
	updatedIt                // or nothing was to be done
	failedIt                 // the work tree could not be updated
)

// one updates one dataset. recorded is the commit that the superdataset has of
// it, "" for the top.
func (u *updating) one(ctx context.Context, d *dataset.Dataset, recorded gitobj.OID, how string) (outcome, error) {
	s := &step{updating: u, d: d, recorded: recorded, how: how}
	if s.how == Fetch {
		s.how = ""
	}
	s.followParent = recorded != "" && u.opt.Follow != FollowSibling
	s.lazy = recorded != "" && u.opt.Follow == FollowParentLazy
	r, done, err := s.fetch(ctx)
	if err != nil {
		return leftIt, err
	}
	if done {
		return leftIt, u.sink.Emit(r)
	}
	failed := false
	if s.how != "" {
		if failed, done, err = s.apply(ctx); err != nil || done {
			return leftIt, err
		}
	}
	if failed {
		r = u.record(d, "update", result.Error).With("message", result.Tuple{"Update of %s failed", s.targetOrNone()})
		return failedIt, u.sink.Emit(r)
	}
	return updatedIt, u.sink.Emit(u.record(d, "update", result.OK))
}

// gitRemotes lists the siblings that git can fetch from.
func gitRemotes(d *dataset.Dataset) []string {
	var list []string
	cfg := d.Repo.Config
	for _, key := range cfg.Keys("remote.") {
		name, ok := remoteOf(key)
		if ok && !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return list
}
