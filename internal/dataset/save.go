package dataset

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/runrec"
)

// DefaultMessage is the commit message where the user gives none.
const DefaultMessage = "[DATALAD] Recorded changes"

// SaveOptions says what is saved, and how.
type SaveOptions struct {
	Paths   []string // as typed; none: the whole dataset
	Message string   // "" for DefaultMessage
	Updated bool     // only files that git knows already
	ToGit   bool
	Jobs    int
	Reason  string // for the reflog; "" for "stemma save"
	// AllowEmpty makes a commit even where nothing changed.
	AllowEmpty bool
	// Levels says how many levels of subdatasets are saved, too; AllLevels for
	// all of them.
	Levels int
	// FromTop says that the user named the dataset: all between it and the
	// paths is saved, and the path of a subdataset means its record.
	FromTop bool
	// Amend replaces the last commit; without Message its message stays.
	Amend bool
	Tag   string // for every dataset's new version; "" for none
	refds string // for the dataset's record; "": its own path
}

// stageScope stages what changed. Named files are looked at by themselves;
// only folders, and the whole dataset, need git's help.
func (d *Dataset) stageScope(ctx context.Context, scope Scope, p *part, opt StageOptions) (*Staged, error) {
	if len(p.subs) == 0 && d.onlyFiles(scope.Paths) {
		opt.SkipIgnored, opt.SkipUntracked = true, scope.NoUntracked
		return d.StagePaths(ctx, scope.Paths, opt)
	}
	var changes []Change
	var err error
	if p.whole || len(scope.Paths) > 0 {
		if changes, err = d.Changes(ctx, scope); err != nil {
			return nil, err
		}
	}
	forced, err := d.forced(p.subs, changes)
	if err != nil {
		return nil, err
	}
	return d.Stage(ctx, append(changes, forced...), opt)
}

// onlyFiles reports whether paths are named and none of them is a folder.
func (d *Dataset) onlyFiles(paths []string) bool {
	for _, p := range paths {
		if fi, err := os.Lstat(d.Repo.Path(p)); err != nil || fi.IsDir() {
			return false
		}
	}
	return len(paths) > 0
}

// Commit publishes what Stage or StagePaths prepared, as one commit.
func (d *Dataset) Commit(ctx context.Context, staged *Staged, opt SaveOptions, sink result.Sink) (gitobj.OID, error) {
	res, err := d.publish(ctx, staged, opt)
	if err != nil {
		return "", err
	}
	if err := emitAll(sink, staged.Records); err != nil {
		return "", err
	}
	var id gitobj.OID
	status := result.NotNeeded
	if len(res.Commits) > 0 && res.Commits[0] != "" {
		id, status = res.Commits[0], result.OK
	}
	refds := opt.refds
	if refds == "" {
		refds = d.Path()
	}
	r := result.New("save", status, d.Path(), result.Dataset).Ref(refds)
	if opt.Tag != "" {
		return id, d.tag(ctx, opt.Tag, r, sink)
	}
	return id, sink.Emit(r)
}

// publish makes the commit, if one is needed.
func (d *Dataset) publish(ctx context.Context, staged *Staged, opt SaveOptions) (commit.Result, error) {
	c := commit.Commit{Message: runrec.Cleanup(opt.Message), Files: staged.Files, AllowEmpty: opt.AllowEmpty, Amend: opt.Amend}
	if len(staged.Files) == 0 && !opt.AllowEmpty && !(opt.Amend && c.Message != "") {
		return commit.Result{}, nil
	}
	req := commit.Request{Logs: staged.Logs, Hooks: true, Reason: opt.Reason}
	if req.Reason == "" {
		req.Reason = "stemma save"
	}
	if opt.Amend {
		head, err := d.Repo.Head(ctx)
		if err != nil {
			return commit.Result{}, err
		}
		req.Onto = head.OID
	} else if c.Message == "" {
		c.Message = DefaultMessage + "\n"
	}
	req.Commits = []commit.Commit{c}
	res, err := d.Publisher().Publish(ctx, req)
	if err == nil && (len(res.Commits) == 0 || res.Commits[0] == "") {
		err = d.restage(ctx, c.Files)
	}
	return res, err
}

// restage puts into the index what the branch has already: an unlocked file
// that was locked again unmodified, say, is still staged as a pointer.
func (d *Dataset) restage(ctx context.Context, files []commit.File) error {
	index, err := d.Repo.ReadIndex()
	if errors.Is(err, gitindex.ErrUnsupported) {
		return nil
	}
	if err != nil {
		return err
	}
	var edits []indexEdit
	for _, f := range files {
		e, ok := index.Lookup(f.Path)
		switch {
		case f.Remove && ok:
			edits = append(edits, indexEdit{gitindex.Edit{Path: f.Path, Remove: true}, e.OID})
		case !f.Remove && f.OID != "" && (!ok || e.Mode != f.Mode || e.OID != f.OID):
			edits = append(edits, indexEdit{gitindex.Edit{Path: f.Path, Mode: f.Mode, OID: f.OID, Stat: f.Stat}, e.OID})
		}
	}
	return d.updateIndex(ctx, edits)
}

// Writable refuses states of the repository in which a commit would do harm: an
// unfinished merge, an adjusted branch whose original has gone on by itself. It
// completes what a killed command left half published. Who commits without Save
// calls Propagate afterwards.
func (d *Dataset) Writable(ctx context.Context) error {
	if err := d.settled(ctx); err != nil {
		return err
	}
	return d.Propagate(ctx)
}

// settled completes what a killed command left half published, and refuses an
// unfinished merge.
func (d *Dataset) settled(ctx context.Context) error {
	if err := d.Resume(ctx); err != nil {
		return err
	}
	if _, err := os.Lstat(filepath.Join(d.Repo.GitDir, "MERGE_HEAD")); err == nil {
		if err := d.RefuseUnmerged(ctx); err != nil {
			return err
		}
		return errs.WithHint(errors.New("an unfinished merge is in the way"), "finish it with `git commit`, or give it up with `git merge --abort`")
	}
	return nil
}

// IsClean reports whether nothing is unsaved, apart from what running jobs
// write.
func (d *Dataset) IsClean(ctx context.Context) (bool, error) {
	claims, err := d.Claims(ctx)
	if err != nil {
		return false, err
	}
	changes, err := d.Changes(ctx, Scope{Exclude: claims.passOver(d.Env.Log)})
	return len(changes) == 0, err
}

// CommitMerge makes a commit with the parents given, in this order, and the
// tree of the last one, which must be checked out.
func (d *Dataset) CommitMerge(ctx context.Context, message string, parents []gitobj.OID, reason string) (gitobj.OID, error) {
	res, err := d.Publisher().Publish(ctx, commit.Request{
		Commits: []commit.Commit{{Message: message, Parents: parents}},
		Reason:  reason,
	})
	if err != nil {
		return "", err
	}
	return res.Commits[0], nil
}
