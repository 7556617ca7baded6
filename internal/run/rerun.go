package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/result"
)

// RerunOptions say which commands are executed again, and on what.
type RerunOptions struct {
	Revision *string // last commit; nil: the branch that is checked out
	// Since is the commit before the first one; nil: Revision alone; blank:
	// everything that led to Revision.
	Since  *string
	Branch *string // new branch to work on
	// Onto is where to start; nil: at HEAD; blank: before the first command.
	Onto        *string
	Message     string // title of all commits; "" for those recorded
	Script      string // write the commands to this file instead, "-" for Stdout
	Report      bool   // say what would be done instead
	AssumeReady Which
	Explicit    bool // save the recorded outputs only; the dataset may be dirty
	Jobs        int
	KeepGoing   bool // save and go on although a command failed

	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Terminal       bool // as in Options
}

// rerun is one call of Rerun.
type rerun struct {
	d    *dataset.Dataset
	opt  RerunOptions
	sink result.Sink

	at    git.Head // where HEAD was at the beginning
	tip   gitobj.OID
	since gitobj.OID // excluded with its ancestors; "" for none
	label string     // the range in words of git
}

// Rerun executes recorded commands again, in the order of history, and commits
// what they change with a record that names the earlier execution. Commits
// without a record are picked and merges repeated where that is needed to
// rebuild history on another base.
//
// The error names the commit whose record is damaged, or what git refused;
// failed commands are results.
func Rerun(ctx context.Context, d *dataset.Dataset, opt RerunOptions, sink result.Sink) error {
	r := &rerun{d: d, opt: opt, sink: sink}
	if ok, err := r.allowed(ctx); !ok || err != nil {
		return err
	}
	if err := r.findRange(ctx); err != nil {
		return err
	}
	steps, err := r.plan(ctx)
	switch {
	case err != nil || len(steps) == 0:
		return err
	case opt.Script != "":
		return r.script(ctx, steps)
	case opt.Report:
		return r.report(ctx, steps)
	}
	return r.replay(ctx, steps)
}

// refuse reports why nothing is done.
func (r *rerun) refuse(status result.Status, message any) error {
	return r.sink.Emit(r.record().As(status).With("message", message))
}

func (r *rerun) record() result.Record {
	return result.New("run", result.OK, r.d.Path(), result.Dataset)
}

// allowed checks what must hold before anything is looked at; ok is false
// where a result has said what does not.
func (r *rerun) allowed(ctx context.Context) (ok bool, err error) {
	if r.opt.Script == "" && !r.opt.Report {
		if err := r.d.Writable(ctx); err != nil {
			return false, err
		}
		if !r.opt.Explicit {
			if dirty, err := RefuseDirty(ctx, r.d, "run", r.sink); dirty || err != nil {
				return false, err
			}
		}
	}
	if r.at, err = r.d.Repo.Head(ctx); err != nil {
		return false, err
	}
	if r.at.OID == "" {
		return false, r.refuse(result.Impossible, "cannot rerun command, nothing recorded")
	}
	return r.branchAllowed(ctx)
}

func (r *rerun) branchAllowed(ctx context.Context) (bool, error) {
	if adjusted(r.at.Branch()) != "" && (r.opt.Onto != nil || r.opt.Branch != nil) {
		option := "onto"
		if r.opt.Onto == nil {
			option = "branch"
		}
		return false, r.refuse(result.Impossible, result.Tuple{"--%s is incompatible with adjusted branch", option})
	}
	if r.newBranch() == "" {
		return true, nil
	}
	id, err := r.d.Repo.Ref(ctx, "refs/heads/"+r.newBranch())
	if err != nil {
		return false, fmt.Errorf("rerun: --branch: %w", err)
	}
	if id != "" {
		return false, r.refuse(result.Error, fmt.Sprintf("branch '%s' already exists", r.newBranch()))
	}
	return true, nil
}

func (r *rerun) newBranch() string {
	if r.opt.Branch == nil {
		return ""
	}
	return *r.opt.Branch
}

// adjusted returns the branch that an adjusted branch of git-annex was made
// from ("adjusted/main(unlocked)"), or "".
func adjusted(branch string) string {
	name, ok := strings.CutPrefix(branch, "adjusted/")
	if !ok {
		return ""
	}
	name, _, _ = strings.Cut(name, "(")
	return name
}

// gitFailure is git's exit code for a revision that it does not know, which
// DataLad passes on.
const gitFailure = 128

// findRange works out which commits are meant.
func (r *rerun) findRange(ctx context.Context) (err error) {
	name := r.revision()
	if r.tip, err = r.resolve(ctx, name); err != nil {
		return err
	}
	if r.tip == "" {
		return errs.WithExit(fmt.Errorf("rerun: there is no commit %q", name), gitFailure)
	}
	parent, err := r.resolve(ctx, string(r.tip)+"^")
	since := r.opt.Since
	switch {
	case err != nil:
		return err
	case parent == "":
		r.label = name
	case since == nil:
		r.since, r.label = parent, name+"^.."+name
	case strings.TrimSpace(*since) == "":
		r.label = name
	default:
		r.label = *since + ".." + name
		if r.since, err = r.resolve(ctx, *since); err == nil && r.since == "" {
			err = errs.WithExit(fmt.Errorf("rerun: --since: there is no commit %q", *since), gitFailure)
		}
	}
	return err
}

func (r *rerun) revision() string {
	switch branch := r.at.Branch(); {
	case r.opt.Revision != nil:
		return *r.opt.Revision
	case adjusted(branch) != "":
		return adjusted(branch)
	case branch != "":
		return branch
	}
	return "HEAD"
}

// resolve returns the commit that a revision expression means, "" for none.
func (r *rerun) resolve(ctx context.Context, rev string) (gitobj.OID, error) {
	if rev == "" || strings.HasPrefix(rev, "-") || strings.ContainsAny(rev, "\x00\n") {
		return "", nil
	}
	out, err := r.d.Repo.Output(ctx, "rev-parse", "--verify", "--quiet", rev+"^{commit}")
	if git.ExitCode(err) > 0 {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return gitobj.ParseOID(strings.TrimSpace(string(out)))
}

// rangeArgs are the range for git's commands.
func (r *rerun) rangeArgs() []string {
	args := []string{string(r.tip)}
	if r.since != "" {
		args = append(args, "^"+string(r.since))
	}
	return args
}

// start returns where the replay begins; "" if a result has said that there is
// no such commit.
func (r *rerun) start(ctx context.Context, first *past) (gitobj.OID, error) {
	if r.opt.Onto == nil {
		return r.at.OID, nil
	}
	onto := *r.opt.Onto
	if strings.TrimSpace(onto) == "" {
		if len(first.parents) == 0 {
			return "", errs.WithHint(errors.New("rerun: the first commit has no parent to start from"), "name a commit with --onto")
		}
		return first.parents[0], nil
	}
	id, err := r.resolve(ctx, onto)
	if err != nil || id != "" {
		return id, err
	}
	return "", r.refuse(result.Error, result.Tuple{"Revision specified for --onto (%s) does not exist.", onto})
}
