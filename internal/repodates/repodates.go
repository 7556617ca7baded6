// Package repodates looks for dates in repositories that lie after, or before,
// a given one: of commits, of annotated tags, and in the logs of the
// git-annex branch. It finds real dates that slipped into repositories that
// shall have made-up ones.
package repodates

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/result"
)

// Annex says where in the git-annex branch is looked.
type Annex string

// The places.
const (
	AnnexAll  Annex = "all"  // in all that it ever held
	AnnexTree Annex = "tree" // in its present state
	AnnexNone Annex = "none"
)

// Options say what is looked for.
type Options struct {
	Roots     []string // folders below which repositories are searched, absolute
	Reference int64    // in seconds since 1970
	Older     bool     // dates before the reference instead of after it
	Revs      []string // commits that these reach; none: those of all refs
	Annex     Annex
	NoTags    bool
	Vars      []string // environment for child processes
	Log       *slog.Logger
}

// which is how a record names the direction.
func (o *Options) which() string {
	if o.Older {
		return "older"
	}
	return "newer"
}

func (o *Options) hit(t int64) bool {
	if o.Older {
		return t < o.Reference
	}
	return t > o.Reference
}

// Check reports one record for each repository below the roots, with what it
// found in the field "report".
func Check(ctx context.Context, opt Options, sink result.Sink) error {
	opt.Log.Info("Searching for dates " + opt.which() + " than " + time.Unix(opt.Reference, 0).UTC().Format("02 Jan 2006 15:04:05 +0000"))
	for _, root := range opt.Roots {
		err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
			switch {
			case err != nil && path == root && errors.Is(err, fs.ErrNotExist):
				opt.Log.Warn("There is no folder " + root)
				return nil
			case err != nil:
				opt.Log.Warn("Cannot look into " + path + ": " + err.Error())
				return fs.SkipDir
			case !e.IsDir() || e.Name() != ".git":
				return ctx.Err()
			}
			if err := one(ctx, opt, filepath.Dir(path), sink); err != nil {
				return err
			}
			return fs.SkipDir
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// one reports what is found in the repository at top.
func one(ctx context.Context, opt Options, top string, sink result.Sink) error {
	repo, err := git.Open(ctx, top, git.Options{Env: opt.Vars})
	if err == nil && repo.WorkTree != top {
		err = git.ErrNoRepository
	}
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		opt.Log.Warn("Skipping invalid Git repo: " + top)
		return nil
	}
	defer repo.Close()
	s := search{repo: repo, opt: opt, objects: map[string]any{}}
	for _, look := range []func(context.Context) error{s.commits, s.tags, s.annex} {
		if err := look(ctx); err != nil {
			return err
		}
	}
	message := "No " + opt.which() + " dates found"
	if len(s.objects) > 0 {
		message = "Found " + opt.which() + " dates"
	}
	return sink.Emit(result.New("check_dates", result.OK, top, "").Msg(message).With("report", map[string]any{
		"objects": s.objects, "reference-timestamp": opt.Reference, "which": opt.which(),
	}))
}
