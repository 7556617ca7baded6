// Package publish sends what a dataset has to a sibling: content to its annex,
// then branches and what the git-annex branch knows, so that who reads the
// branch finds the content. It decides what is sent; how content travels is
// the transfer package's business, and refs are git's.
package publish

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/siblings"
)

// The values of Options.Data: which content is sent.
const (
	DataAnything   = "anything"
	DataNothing    = "nothing"
	DataAuto       = "auto" // what the sibling wants
	DataIfWanted   = "auto-if-wanted"
	ForceAll       = "all"
	ForceGit       = "gitpush"          // branches are moved even if that loses commits there
	ForceCheckData = "checkdatapresent" // the sibling is asked what it has, whatever the logs say
	sinceLastPush  = "^"
)

// Options says what is sent, and where to.
type Options struct {
	Paths  []string // as typed; none: the whole dataset
	To     string   // sibling; "" for the one that git pushes to
	Since  string   // only what changed since this commit; "^": since the last push; "": all
	Data   string   // "" is DataIfWanted
	Force  string
	Levels int // of subdatasets
	Jobs   int
}

// Push sends a dataset, and subdatasets before it, to a sibling. It reports a
// record for each file and each ref.
func Push(ctx context.Context, d *dataset.Dataset, opt Options, sink result.Sink) error {
	if opt.Data == "" {
		opt.Data = DataIfWanted
	}
	p := &pushing{opt: opt, top: d, sink: sink}
	failure := p.record(d, result.Error)
	if opt.To != "" && !slices.Contains(siblings.Names(d), opt.To) {
		failure.Type = "" // as in DataLad
		return sink.Emit(failure.Msg(fmt.Sprintf("Unknown push target '%s'. %s", opt.To, known(siblings.Names(d)))))
	}
	since, err := p.since(ctx)
	if err != nil {
		return err
	}
	for _, typed := range opt.Paths {
		if _, err := d.Rel(typed); err != nil {
			return sink.Emit(failure.Msg(err.Error()))
		}
	}
	if err := p.collect(ctx, d, since, opt.Levels, true); err != nil {
		return err
	}
	if len(p.plan) == 0 {
		return sink.Emit(p.nothing(d))
	}
	for _, part := range p.plan {
		if err := p.dataset(ctx, part, opt.To); err != nil {
			return err
		}
	}
	return nil
}

func known(names []string) string {
	if len(names) == 0 {
		return "No targets configured in dataset."
	}
	return "Known targets: '" + strings.Join(names, "', '") + "'."
}

// pushing is one run of Push.
type pushing struct {
	opt  Options
	top  *dataset.Dataset
	sink result.Sink
	plan []*part
}

// part is what is sent of one dataset.
type part struct {
	d       *dataset.Dataset
	changed []gitEntry // files and links that differ, by path
}

type gitEntry struct {
	path string // relative to the dataset's top
	mode gitobj.Mode
	oid  gitobj.OID
}

func (p *pushing) record(d *dataset.Dataset, status result.Status) result.Record {
	return result.New("publish", status, d.Path(), result.Dataset).Ref(p.top.Path())
}

// nothing says that no change was found; who mistook a sibling for a path is
// told.
func (p *pushing) nothing(d *dataset.Dataset) result.Record {
	r := p.record(d, result.NotNeeded)
	if p.opt.To == "" && len(p.opt.Paths) == 1 && slices.Contains(siblings.Names(d), p.opt.Paths[0]) {
		hint := fmt.Sprintf("['%s'] matches a sibling name and not a path. Forgot --to?", p.opt.Paths[0])
		return r.Msg(hint).With("hints", hint)
	}
	return r.Msg("Given constraints did not match any changes to publish")
}

// since resolves the commit from which on changes count; "" for all.
func (p *pushing) since(ctx context.Context) (gitobj.OID, error) {
	switch p.opt.Since {
	case "":
		return "", nil
	case sinceLastPush:
		id, err := p.lastPushed(ctx)
		if err == nil && id == "" {
			p.top.Env.Log.Info("No tracked remote for active branch, detection of last pushed state not in effect.")
		}
		return id, err
	}
	id, err := p.top.Revision(ctx, p.opt.Since)
	if err == nil && id == "" {
		err = errs.WithHint(fmt.Errorf("push: there is no commit %s", p.opt.Since), "name a commit, a tag, or a branch")
	}
	return id, err
}

// lastPushed is where the sibling's branch was when it was last seen; "" where
// no sibling is meant.
func (p *pushing) lastPushed(ctx context.Context) (gitobj.OID, error) {
	branch, err := activeBranch(ctx, p.top)
	if err != nil || branch == "" {
		return "", err
	}
	to := p.opt.To
	if to == "" {
		if to = defaultTarget(p.top, branch); to == "" {
			return "", nil
		}
	}
	id, err := p.top.Repo.Ref(ctx, "refs/remotes/"+to+"/"+branch)
	if err == nil && id == "" {
		err = errs.WithHint(fmt.Errorf("push: sibling %s is not known to have a branch %s, so there is no last push", to, branch), "leave out --since, or fetch first")
	}
	return id, err
}

// activeBranch is the branch that is checked out; of an adjusted one that from
// which it was made.
func activeBranch(ctx context.Context, d *dataset.Dataset) (string, error) {
	head, err := d.Repo.Head(ctx)
	if err != nil {
		return "", err
	}
	branch := head.Branch()
	if rest, ok := strings.CutPrefix(branch, "adjusted/"); ok {
		if i := strings.LastIndexByte(rest, '('); i > 0 {
			branch = rest[:i]
		}
	}
	return branch, nil
}

// scope are the named paths in a dataset, relative to its top; all is true where
// everything in it is concerned.
func (p *pushing) scope(d *dataset.Dataset, reached bool) (paths []string, all bool) {
	if len(p.opt.Paths) == 0 {
		return nil, true
	}
	for _, typed := range p.opt.Paths {
		path := typed
		if !filepath.IsAbs(path) {
			path = filepath.Join(d.Env.Cwd, path)
		}
		if rel, err := filepath.Rel(path, d.Path()); err == nil && filepath.IsLocal(rel) {
			all = all || reached // the dataset lies at or below it
			continue
		}
		if rel, err := d.Rel(path); err == nil {
			paths = append(paths, rel)
		}
	}
	return paths, all
}
