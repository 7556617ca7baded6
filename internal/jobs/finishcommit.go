package jobs

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/iospec"
	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/runrec"
)

// commit publishes the results of jobs that are over.
func (f *finishing) commit(ctx context.Context, ready []*over) (err error) {
	if ready, err = f.mark(ctx, ready); err != nil || len(ready) == 0 {
		return err
	}
	marked := ready
	published := false
	defer func() {
		// What is published is closed, which ends the marks of the others too.
		var left []*over
		for _, o := range marked {
			if !published || !slices.Contains(ready, o) {
				left = append(left, o)
			}
		}
		if len(left) > 0 {
			err = errors.Join(err, f.unmark(context.WithoutCancel(ctx), left))
		}
	}()
	f.opt.step.at("marked")
	if ready, err = f.gather(ctx, ready); err != nil || len(ready) == 0 {
		return err
	}
	logs, ready, err := f.store(ctx, ready)
	if err != nil || len(ready) == 0 {
		return err
	}
	f.opt.step.at("stored")
	p := Publisher(f.d)
	closer := p.Closer
	p.Closer = func(ctx context.Context, done map[int64]gitobj.OID) error {
		f.opt.step.at("closing")
		return closer(ctx, done)
	}
	res, err := p.Publish(ctx, f.request(ctx, ready, logs))
	if err != nil {
		return fmt.Errorf("finish: %w", err)
	}
	published = true
	f.opt.step.at("published")
	return f.tell(ready, res)
}

// finishMark says which process commits a job right now.
type finishMark struct {
	Owner fsx.Owner `json:"owner"`
	Since time.Time `json:"since"`
}

const markKey = "finishing"

// mark takes the jobs that nobody else is finishing: two processes at once
// must not both commit one.
func (f *finishing) mark(ctx context.Context, list []*over) (mine []*over, err error) {
	own, err := json.Marshal(finishMark{fsx.Self(), f.d.Now().UTC()})
	if err != nil {
		return nil, err
	}
	busy := map[*over]string{}
	var suspects []*over
	err = withLedger(ctx, f.d, "finish", func(l *ledger.Ledger) error {
		return l.Update(ctx, func(tx *ledger.Tx) error {
			for _, o := range list {
				now, err := tx.Get(o.job.ID)
				if err != nil {
					return err
				}
				if why := taken(&now, f.d.Now()); why != "" {
					busy[o] = why
					continue
				}
				err = tx.Transition(now.ID, ledger.StateOpen, func(j *ledger.Job) {
					if j.Extra == nil {
						j.Extra = map[string]json.RawMessage{}
					}
					j.Extra[markKey] = own
				})
				if err != nil {
					return err
				}
				if len(now.Extra[markKey]) > 0 {
					suspects = append(suspects, o)
				} else {
					mine = append(mine, o)
				}
			}
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	for _, o := range suspects {
		done, err := f.alreadyCommitted(ctx, o)
		if err != nil {
			return nil, err
		}
		if !done {
			mine = append(mine, o)
		}
	}
	slices.SortFunc(mine, func(a, b *over) int { return cmp.Compare(a.job.ID, b.job.ID) })
	for _, o := range list {
		if why := busy[o]; why != "" {
			if err := f.report(result.NotNeeded, &o.job, fmt.Sprintf("job %s %s", label(&o.job), why)); err != nil {
				return nil, err
			}
		}
	}
	return mine, nil
}

// alreadyCommitted looks whether the process that marked the job, and died, has
// published its commit; then the job is closed with it. Mostly recovery has
// done so before; but it may have run in a command that knows nothing of jobs,
// and a rebuilt ledger knows of no commits.
func (f *finishing) alreadyCommitted(ctx context.Context, o *over) (bool, error) {
	args := []string{"log", "-z", "--format=%H%n%B", "--fixed-strings", "--grep=[" + string(runrec.SlurmKind) + "] Slurm job " + o.job.JobID + ":", "--branches", "HEAD"}
	if o.job.BaseCommit != "" {
		args = append(args, "^"+string(o.job.BaseCommit))
	}
	out, err := f.d.Repo.Output(ctx, append(args, "--")...)
	if err != nil {
		return false, err
	}
	for text := range strings.SplitSeq(string(out), "\x00") {
		id, message, _ := strings.Cut(text, "\n")
		c, err := runrec.Parse(message)
		if err != nil || c.Record == nil || c.Record.SlurmJobID != o.job.JobID || c.Record.Cmd != o.job.Cmd {
			continue
		}
		if extra, _ := c.Record.Extra[recordKey].(map[string]any); extra["base"] != string(o.job.BaseCommit) {
			continue
		}
		err = withLedger(ctx, f.d, "finish", func(l *ledger.Ledger) error {
			return l.Finish(ctx, "", ledger.Closing{ID: o.job.ID, Outcome: ledger.Committed, Commit: gitobj.OID(id)})
		})
		if err != nil {
			return false, err
		}
		dropCopy(&o.job)
		return true, f.report(result.OK, &o.job, fmt.Sprintf("%s (committed already as %.7s)", jobTitle(&o.job, o.status), id))
	}
	return false, nil
}

// taken says why a job is not ours to finish, or "".
func taken(j *ledger.Job, now time.Time) string {
	if j.State != ledger.StateOpen {
		return "was finished by another process"
	}
	var m finishMark
	if json.Unmarshal(j.Extra[markKey], &m) != nil || m.Owner.PID == 0 {
		return ""
	}
	fate := m.Owner.Fate()
	if fate == fsx.Dead || fate == fsx.Unknown && now.Sub(m.Since) > markLife {
		return ""
	}
	return "is being finished by " + m.Owner.String()
}

func (f *finishing) unmark(ctx context.Context, list []*over) error {
	return withLedger(ctx, f.d, "finish", func(l *ledger.Ledger) error {
		for _, o := range list {
			err := l.Transition(ctx, o.job.ID, ledger.StateOpen, func(j *ledger.Job) { delete(j.Extra, markKey) })
			var state *ledger.StateError
			if err != nil && !errors.As(err, &state) {
				return err
			}
		}
		return nil
	})
}

// gather brings outputs back, checks that they are complete, and looks at the
// inputs again. Jobs that are not complete are reported and left out.
func (f *finishing) gather(ctx context.Context, list []*over) (complete []*over, err error) {
	index, err := f.d.Repo.ReadIndex()
	if errors.Is(err, gitindex.ErrUnsupported) {
		index, err = nil, nil
	}
	if err != nil {
		return nil, err
	}
	id := &identifier{top: f.top, format: f.d.Repo.Format, index: index}
	for _, o := range list {
		err := f.gatherOne(ctx, o, id)
		if err == nil {
			complete = append(complete, o)
			continue
		}
		if ctx.Err() != nil {
			return nil, err
		}
		if err := f.fail(&o.job, err); err != nil {
			return nil, err
		}
	}
	return complete, nil
}

func (f *finishing) gatherOne(ctx context.Context, o *over, id *identifier) error {
	if o.prov.Undescribed {
		describe(ctx, f.d, f.s, &o.job, &o.prov)
	}
	if err := f.locate(o); err != nil {
		return err
	}
	if o.job.AltDir != "" {
		if err := f.bringBack(ctx, o); err != nil {
			return err
		}
	}
	changed, err := f.changedInputs(ctx, o, id)
	if err != nil {
		return err
	}
	o.changed = changed
	for p := range changed {
		f.d.Env.Log.Warn(fmt.Sprintf("job %s: its input %s changed after it was scheduled", label(&o.job), p))
	}
	return nil
}

// MissingOutputError names declared outputs that a completed job did not
// produce.
type MissingOutputError struct{ Paths []string }

func (e *MissingOutputError) Error() string {
	return "declared output is missing: " + strings.Join(e.Paths, ", ")
}

// locate finds the outputs and log files where the job left them.
func (f *finishing) locate(o *over) error {
	root := jobRoot(&o.job)
	var missing []string
	for _, text := range o.job.Outputs {
		found, err := outputsAt(root, text)
		if err != nil {
			return err
		}
		there := existing(root, found)
		if len(there) == 0 && !slices.Contains(o.job.SlurmOutputs, text) {
			missing = append(missing, strings.TrimPrefix(text, "./"))
		}
		o.outputs = append(o.outputs, there...)
	}
	o.outputs = union(o.outputs)
	o.logs = existing(root, o.job.SlurmOutputs)
	if len(missing) == 0 || o.sentence != "" {
		return nil
	}
	return errs.WithHint(&MissingOutputError{missing}, "the job stays open; put the file in place and repeat, or give the job up with `stemma jobs release %s`", o.job.JobID)
}

func existing(root string, paths []string) (there []string) {
	for _, p := range paths {
		if _, err := os.Lstat(filepath.Join(root, filepath.FromSlash(p))); err == nil {
			there = append(there, p)
		}
	}
	return there
}

// bringBack copies what the job wrote in the alternative folder.
func (f *finishing) bringBack(ctx context.Context, o *over) error {
	t := &transfer{from: o.job.AltDir, to: f.top, sync: true}
	for _, p := range union(o.outputs, o.logs) {
		if err := t.add(p); err != nil {
			return fmt.Errorf("bring back %s: %w", p, err)
		}
	}
	return t.run(ctx)
}

// changedInputs compares the inputs with what they were. An output that is an
// input as well was meant to change.
func (f *finishing) changedInputs(ctx context.Context, o *over, id *identifier) (map[string]string, error) {
	var paths []string
	for p := range o.job.InputIDs {
		if !slices.ContainsFunc(o.job.Claims, func(c string) bool { return within(p, c) || within(c, p) }) {
			paths = append(paths, p)
		}
	}
	now, err := id.identify(ctx, paths)
	if err != nil {
		return nil, err
	}
	changed := map[string]string{}
	for p, v := range now {
		if v != o.job.InputIDs[p] {
			changed[p] = v
		}
	}
	return changed, nil
}

// store brings the content of all outputs to where it belongs. Jobs whose
// files cannot be stored are reported and left out.
func (f *finishing) store(ctx context.Context, list []*over) ([]annex.LogEdit, []*over, error) {
	var paths []string
	for _, o := range list {
		paths = append(paths, union(o.outputs, o.logs)...)
	}
	staged, err := f.d.StagePaths(ctx, union(paths), dataset.StageOptions{Jobs: f.opt.Jobs})
	if err == nil {
		ok, err := f.share(staged, list)
		return staged.Logs, ok, err
	}
	if len(list) == 1 || ctx.Err() != nil {
		return nil, nil, fmt.Errorf("job %s: %w", label(&list[0].job), err)
	}
	// One of the jobs is in the way of the others: each by itself.
	var logs []annex.LogEdit
	var ok []*over
	for _, o := range list {
		staged, err := f.d.StagePaths(ctx, union(o.outputs, o.logs), dataset.StageOptions{Jobs: f.opt.Jobs})
		if err != nil {
			if err := f.fail(&o.job, err); err != nil {
				return nil, nil, err
			}
			continue
		}
		good, err := f.share(staged, []*over{o})
		if err != nil {
			return nil, nil, err
		}
		ok, logs = append(ok, good...), append(logs, staged.Logs...)
	}
	return logs, ok, nil
}

// share gives each job its files and records.
func (f *finishing) share(staged *dataset.Staged, list []*over) (ok []*over, err error) {
	given := map[string]bool{} // jobs may share a log file; it goes with the first
	for _, o := range list {
		mine := union(o.outputs, o.logs)
		owns := func(p string) bool {
			return slices.ContainsFunc(mine, func(top string) bool { return within(p, top) })
		}
		failed := false
		for _, file := range staged.Files {
			if owns(file.Path) && !given[file.Path] {
				given[file.Path] = true
				o.files = append(o.files, file)
			}
		}
		for _, rec := range staged.Records {
			rel, err := filepath.Rel(f.d.Path(), rec.Path)
			if err != nil || !owns(filepath.ToSlash(rel)) {
				continue
			}
			o.records = append(o.records, rec)
			failed = failed || rec.Status.Failed()
		}
		if !failed {
			ok = append(ok, o)
			continue
		}
		for _, rec := range o.records {
			if rec.Status.Failed() {
				if err := f.sink.Emit(rec); err != nil {
					return nil, err
				}
			}
		}
		if err := f.fail(&o.job, errors.New("not all of its outputs could be stored; the job stays open")); err != nil {
			return nil, err
		}
	}
	return ok, nil
}

// request makes one commit for each job.
func (f *finishing) request(ctx context.Context, list []*over, logs []annex.LogEdit) commit.Request {
	req := commit.Request{Logs: logs, MergeMessage: "Merge all branches from finished jobs\n"}
	names := make([]string, len(list))
	for i, o := range list {
		names[i] = label(&o.job)
		req.Commits = append(req.Commits, commit.Commit{Message: f.message(o), Files: o.files, AllowEmpty: true, Tag: o.job.ID})
	}
	req.Reason = "stemma finish: job " + strings.Join(names, ", ")
	if f.head.Ref == "" {
		return req // plain commits on a detached head, as with DataLad
	}
	req.OnBranch = f.head.Ref
	switch {
	case f.opt.Branches:
		req.Shape = commit.Branches
		req.BranchOf = func(i int) string { return f.freeBranch(ctx, names[i]) }
	case f.opt.Octopus:
		req.Shape = commit.Octopus
	}
	return req
}

// freeBranch names the branch of a job. Schedulers use their ids again.
func (f *finishing) freeBranch(ctx context.Context, id string) string {
	base := "refs/heads/slurm-job-branch-" + id
	name := base
	for n := 2; ; n++ {
		if oid, err := f.d.Repo.Ref(ctx, name); err != nil || oid == "" {
			return name
		}
		name = fmt.Sprintf("%s-%d", base, n)
	}
}

func (f *finishing) message(o *over) string {
	rec := jobRecord(&o.job, o.prov)
	declared := o.job.Outputs
	if o.prov.Expand != "" {
		declared = f.expandOutputs(o)
	}
	rec.Outputs = union(declared, o.job.SlurmOutputs)
	rec.Extra = map[string]any{recordKey: o.prov.recordFields(&o.job, o.status, o.changed)}
	return jobMessage(&o.job, rec, o.status, o.sentence, f.opt.Message)
}

// expandOutputs is what --expand outputs records.
func (f *finishing) expandOutputs(o *over) []string {
	var list []string
	for _, text := range o.job.Outputs {
		g := iospec.New([]string{text}, f.top)
		list = append(list, g.Expand()...)
	}
	return list
}

// tell reports what was committed.
func (f *finishing) tell(list []*over, res commit.Result) error {
	for i, o := range list {
		for _, rec := range o.records {
			if err := f.sink.Emit(rec); err != nil {
				return err
			}
		}
		rec := result.New(ActionFinish, result.OK, "", "").Msg(jobTitle(&o.job, o.status))
		rec.Fields["slurm_job_id"] = o.job.JobID
		rec.Fields["commit"] = string(res.Commits[i])
		if err := f.sink.Emit(rec); err != nil {
			return err
		}
	}
	return nil
}
