package clone

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/result"
)

// job is one clone: sources to try, in order, and what is done afterwards.
type job struct {
	env         dataset.Env
	cfg         Rewriter // of the superdataset, or the user's
	top         string   // for addresses with "///"
	dest        string   // absolute
	sources     []string // addresses, best first
	from        string   // folder that relative ones start from, absolute
	untrusted   bool     // the addresses stand in a repository
	args        []string // for git clone
	reckless    string
	description string
	commit      gitobj.OID    // to check out; "" for the branch as it is
	record      result.Record // what all records have
	existed     bool          // the folder was there before
	contains    []any         // for the record of success
	said        any           // message of success
	noFiles     bool          // the clone's work tree is still empty
	resumed     bool          // or holds what a killed process has written
	begun       bool          // it is ours: git has made it
	here        bool          // nothing was to be done: it had been cloned before
	lock        *fsx.FileLock // keeps other processes out until release; nil where there can be none
	made        []string      // folders that were made for it, the deepest first
}

// run clones and reports. The dataset is nil where that failed or was not
// needed, which has been reported; the caller closes its Repo. Where it is not,
// the caller calls complete as soon as everything is noted that belongs to the
// clone: killed before, the same command goes on with it.
func (j *job) run(ctx context.Context, sink result.Sink) (*dataset.Dataset, Source, error) {
	candidates, err := j.candidates()
	if err != nil && j.untrusted {
		return nil, Source{}, sink.Emit(j.record.As(result.Error).Msg(err.Error()))
	}
	if err != nil {
		return nil, Source{}, err
	}
	if !j.alone() {
		return nil, Source{}, sink.Emit(j.record.As(result.Error).Msg("another process is cloning into " + j.dest))
	}
	d, src, err := j.make(ctx, candidates, sink)
	if d == nil {
		j.release()
	}
	return d, src, err
}

// make is run without other processes in the same place.
func (j *job) make(ctx context.Context, candidates []Source, sink result.Sink) (*dataset.Dataset, Source, error) {
	src, resumed, err := j.resume(candidates)
	if err != nil {
		return nil, Source{}, sink.Emit(j.record.As(result.Error).Msg(err.Error()))
	}
	var why any
	if !resumed {
		rec, stop, err := j.occupied(ctx, candidates)
		if err != nil || stop {
			if err == nil {
				j.here = rec.Status == result.NotNeeded
				err = sink.Emit(rec)
			}
			return nil, Source{}, err
		}
		if src, why, err = j.try(ctx, candidates); err != nil {
			return nil, src, err
		}
	}
	rec := j.record.With("source", src.record())
	if why != nil {
		return nil, src, sink.Emit(rec.As(result.Error).With("message", why))
	}
	d, err := j.finish(ctx, src, sink)
	if err != nil {
		j.wipe() // what an earlier process has made stays
		if ctx.Err() != nil {
			return nil, src, err
		}
		return nil, src, sink.Emit(rec.As(result.Error).Msg(err.Error()))
	}
	if j.contains != nil {
		rec = rec.With("contains", j.contains)
	}
	if j.said != nil {
		rec = rec.With("message", j.said)
	}
	if err := sink.Emit(rec.As(result.OK)); err != nil {
		d.Close()
		return nil, src, err
	}
	return d, src, nil
}

// candidates lists what git is told, one after the other.
func (j *job) candidates() ([]Source, error) {
	rules, err := readRules(j.cfg, j.top)
	if err != nil {
		return nil, err
	}
	var list []Source
	for _, spec := range j.sources {
		for _, s := range rules.substitute(spec) {
			src, err := decode(s, rules)
			if err != nil {
				return nil, err
			}
			list = append(list, src.variants()...)
		}
	}
	return list, nil
}

// refusal is DataLad's.
const refusal = "target path already exists and not empty, refuse to clone into target path"

// occupied looks at the place for the clone. A record says why nothing is to
// be done there.
func (j *job) occupied(ctx context.Context, candidates []Source) (rec result.Record, stop bool, err error) {
	entries, err := os.ReadDir(j.dest)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return rec, false, nil
	case err != nil && !isFile(j.dest):
		return j.record.As(result.Error).Msg(err.Error()), true, nil
	case err == nil && len(entries) == 0:
		j.existed = true
		return rec, false, nil
	}
	if err == nil {
		if entries, err = j.clearLeftovers(entries); err != nil {
			return j.record.As(result.Error).Msg(err.Error()), true, nil
		}
		if len(entries) == 0 {
			j.existed = true
			return rec, false, nil
		}
	}
	if git.IsTop(j.dest) {
		if address := j.clonedFrom(ctx, candidates); address != "" {
			return j.record.As(result.NotNeeded).With("message", result.Tuple{"dataset %s was already cloned from '%s'", "Dataset(" + j.dest + ")", address}), true, nil
		}
	}
	return j.record.As(result.Error).Msg(refusal), true, nil
}

func isFile(path string) bool {
	fi, err := os.Lstat(path)
	return err == nil && !fi.IsDir()
}

// clonedFrom returns the candidate that the repository at dest tracks.
func (j *job) clonedFrom(ctx context.Context, candidates []Source) string {
	repo, err := git.Open(ctx, j.dest, git.Options{Env: j.env.Vars})
	if err != nil {
		return ""
	}
	defer repo.Close()
	_, tracked, err := repo.Tracking(ctx)
	if err != nil || tracked == "" {
		return ""
	}
	for _, c := range candidates {
		place, ok := localPath(c.GitURL)
		if tracked == c.GitURL || ok && tracked == j.expand(place) {
			return c.GitURL
		}
	}
	return ""
}

func absFrom(base, p string) string {
	if filepath.IsAbs(p) {
		return filepath.Clean(p)
	}
	return filepath.Join(base, p)
}

// expand replaces "~" at the beginning of a path.
func (j *job) expand(p string) string {
	if rest, ok := strings.CutPrefix(p, "~"); ok && (rest == "" || rest[0] == '/') {
		for _, kv := range j.env.Vars {
			if home, ok := strings.CutPrefix(kv, "HOME="); ok && home != "" {
				return home + rest
			}
		}
	}
	return p
}

// try clones from the first source that works. why says, as a message for a
// record, that none did.
func (j *job) try(ctx context.Context, candidates []Source) (src Source, why any, err error) {
	j.env.Log.Info("Attempting a clone into " + j.dest)
	defer j.env.Log.Info("Completed clone attempts for Dataset(" + j.dest + ")")
	var failures []string
	for _, src = range candidates {
		j.env.Log.Info("Attempting to clone from " + git.Redact(src.GitURL) + " to " + j.dest)
		err := j.gitClone(ctx, src)
		if err == nil {
			return src, nil, nil
		}
		j.wipe()
		if ctx.Err() != nil {
			return src, nil, ctx.Err()
		}
		if text, fatal := strings.CutPrefix(err.Error(), "git clone: fatal: could not create work tree"); fatal {
			return src, "could not create work tree" + text, nil
		}
		shown := git.Redact(src.GitURL)
		failures = append(failures, shown+"\n  "+strings.ReplaceAll(describe(err), src.GitURL, shown))
	}
	return src, result.Tuple{"Failed to clone from any candidate source URL. Encountered errors per each url were:\n- %s", strings.Join(failures, "\n- ")}, nil
}

// describe words git's failure as DataLad does.
func describe(err error) string {
	var failed *git.CommandError
	if !errors.As(err, &failed) {
		return err.Error()
	}
	return fmt.Sprintf("CommandError: 'git %s' failed with exitcode %d [err: '%s']", strings.Join(failed.Args, " "), failed.Exit, failed.Stderr)
}

func (j *job) gitClone(ctx context.Context, src Source) error {
	address := src.GitURL
	if p, ok := localPath(address); ok {
		address = j.expand(p)
	}
	args := j.args
	if src.Version != "" {
		args = append(args[:len(args):len(args)], "--branch="+src.Version)
	}
	opt := git.CloneOptions{URL: address, Dir: j.dest, From: j.from, Args: args, Env: j.env.Vars, Untrusted: j.untrusted}
	begin := func(gitDir string) error { return mark(gitDir, src.GitURL) }
	if j.noFiles = git.CloneLocal(ctx, opt, begin); j.noFiles {
		j.begun = true
		return nil
	}
	err := git.Clone(ctx, opt)
	if j.begun = err == nil; j.begun && isDir(filepath.Join(j.dest, ".git")) {
		err = begin(filepath.Join(j.dest, ".git"))
	}
	return err
}

// wipe takes away what a failed attempt left, but nothing of another process;
// the folder itself stays if it was there before.
func (j *job) wipe() {
	if !j.begun {
		return // git has tidied up
	}
	if !j.existed {
		os.RemoveAll(j.dest)
		return
	}
	entries, err := os.ReadDir(j.dest)
	if err != nil {
		return
	}
	for _, e := range entries {
		os.RemoveAll(filepath.Join(j.dest, e.Name()))
	}
}
