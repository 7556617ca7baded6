package dataset

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/errs"
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
}

// Save commits what changed in the work tree. It reports one record for each
// path and one for the dataset, whose status is notneeded where nothing had to
// be committed. It returns the commit's id, or "" where there is none.
func (d *Dataset) Save(ctx context.Context, opt SaveOptions, sink result.Sink) (gitobj.OID, error) {
	if err := d.Writable(ctx); err != nil {
		return "", err
	}
	scope, err := d.saveScope(ctx, opt, sink)
	if err != nil {
		return "", err
	}
	if len(opt.Paths) > 0 && len(scope.Paths) == 0 {
		return "", nil // each was refused by a record
	}
	staged, err := d.stageScope(ctx, scope, StageOptions{ToGit: opt.ToGit, Jobs: opt.Jobs})
	if err != nil {
		return "", err
	}
	return d.Commit(ctx, staged, opt, sink)
}

// stageScope stages what changed. Named files are looked at by themselves;
// only folders, and the whole dataset, need git's help.
func (d *Dataset) stageScope(ctx context.Context, scope Scope, opt StageOptions) (*Staged, error) {
	if d.onlyFiles(scope.Paths) {
		opt.SkipIgnored, opt.SkipUntracked = true, scope.NoUntracked
		return d.StagePaths(ctx, scope.Paths, opt)
	}
	changes, err := d.Changes(ctx, scope)
	if err != nil {
		return nil, err
	}
	return d.Stage(ctx, changes, opt)
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
	message := runrec.Cleanup(opt.Message)
	if message == "" {
		message = DefaultMessage + "\n"
	}
	reason := opt.Reason
	if reason == "" {
		reason = "stemma save"
	}
	var res commit.Result
	if len(staged.Files) > 0 || opt.AllowEmpty {
		var err error
		res, err = d.Publisher().Publish(ctx, commit.Request{
			Commits: []commit.Commit{{Message: message, Files: staged.Files, AllowEmpty: opt.AllowEmpty}},
			Logs:    staged.Logs,
			Hooks:   true,
			Reason:  reason,
		})
		if err != nil {
			return "", err
		}
	}
	if err := emitAll(sink, staged.Records); err != nil {
		return "", err
	}
	var id gitobj.OID
	status := result.NotNeeded
	if len(res.Commits) > 0 && res.Commits[0] != "" {
		id, status = res.Commits[0], result.OK
	}
	return id, sink.Emit(result.New("save", status, d.Path(), result.Dataset).Ref(d.Path()))
}

// saveScope turns the typed paths into a scope. Paths outside the dataset are
// reported; claimed ones are passed over, or refused where named.
func (d *Dataset) saveScope(ctx context.Context, opt SaveOptions, sink result.Sink) (Scope, error) {
	scope := Scope{NoUntracked: opt.Updated, AllUntracked: true}
	claims, err := d.Claims(ctx)
	if err != nil {
		return scope, err
	}
	for _, typed := range opt.Paths {
		rel, err := d.Rel(typed)
		if err == nil {
			err = claims.refuse(rel)
		}
		if err != nil {
			abs := typed
			if !filepath.IsAbs(abs) {
				abs = filepath.Join(d.Env.Cwd, typed)
			}
			r := result.New("status", result.Error, abs, "").Ref(d.Path()).Msg(err.Error())
			if err := sink.Emit(r); err != nil {
				return scope, err
			}
			continue
		}
		scope.Paths = append(scope.Paths, rel)
	}
	scope.Exclude = claims.passOver(d.Env.Log)
	return scope, nil
}

// Writable refuses states of the repository in which a commit would do harm:
// an unfinished merge, an adjusted branch.
func (d *Dataset) Writable(ctx context.Context) error {
	if _, err := os.Lstat(filepath.Join(d.Repo.GitDir, "MERGE_HEAD")); err == nil {
		return errs.WithHint(errors.New("an unfinished merge is in the way"), "finish it with `git commit`, or give it up with `git merge --abort`")
	}
	head, err := d.Repo.Head(ctx)
	if err != nil {
		return err
	}
	if strings.HasPrefix(head.Branch(), "adjusted/") {
		return errs.WithHint(fmt.Errorf("adjusted branch %s: committing to it is not supported yet", head.Branch()), "check out the branch that it was made from")
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
