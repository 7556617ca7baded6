package finish

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/adjusted"
	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/iospec"
	"github.com/stemma-data/stemma/internal/jobs/jobdb"
	"github.com/stemma-data/stemma/internal/jobs/jobpath"
	"github.com/stemma-data/stemma/internal/jobs/jobrec"
	"github.com/stemma-data/stemma/internal/result"
)

// commit publishes the results of jobs that are over, all at once as far as no
// two of them write the same paths.
func (f *finishing) commit(ctx context.Context, ready []*over) error {
	for _, wave := range f.waves(ready) {
		if err := f.commitTogether(ctx, wave); err != nil {
			return err
		}
	}
	return nil
}

// commitTogether publishes the results of jobs that write different paths.
func (f *finishing) commitTogether(ctx context.Context, ready []*over) (err error) {
	published := false
	f.marked = nil
	defer func() {
		// What is published is closed, which ends its mark; an array may stay.
		done := map[*over]bool{}
		for _, o := range ready {
			done[o] = published && o.task == ""
		}
		left := slices.DeleteFunc(slices.Clone(f.marked), func(o *over) bool { return done[o] })
		if len(left) > 0 {
			err = errors.Join(err, f.unmark(context.WithoutCancel(ctx), left))
		}
	}()
	if ready, err = f.mark(ctx, ready); err != nil || len(ready) == 0 {
		return err
	}
	f.opt.Step.At("marked")
	defer f.openTree(ctx)()
	if ready, err = f.gather(ctx, ready); err == nil {
		ready, err = f.holdBack(ready)
	}
	if err != nil || len(ready) == 0 {
		return err
	}
	logs, ready, err := f.store(ctx, ready)
	f.seen = nil // of ten thousand jobs it is large, and git takes long
	if err == nil {
		ready, err = f.holdBack(ready)
	}
	if err == nil {
		err = f.identifyMade(ctx, ready)
	}
	if err != nil || len(ready) == 0 {
		return err
	}
	f.opt.Step.At("stored")
	if err := f.publishNested(ctx, ready); err != nil {
		return err
	}
	p := jobdb.Publisher(f.d)
	if closer := p.Closer; f.opt.Step != nil {
		p.Closer = func(ctx context.Context, done map[int64]gitobj.OID) error {
			f.opt.Step.At("closing")
			return closer(ctx, done)
		}
	}
	res, err := p.Publish(ctx, f.request(ctx, ready, logs))
	if err != nil {
		return fmt.Errorf("finish: %w", err)
	}
	published = true
	f.opt.Step.At("published")
	for _, o := range ready {
		f.graph.done[part{o.job.ID, o.task}] = !o.lost
	}
	switch {
	case f.opt.Branches:
		err = f.putBack(ctx, ready)
	case adjusted.Is(f.head.Branch()):
		err = f.d.Propagate(ctx) // what another git has committed meanwhile
	}
	return errors.Join(err, f.tell(ready, res))
}

// owners finds the jobs that a path belongs to, by what they declared.
type owners struct {
	list []*over
	tops map[string][]int // by declared path
}

func ownersOf(list []*over) owners {
	x := owners{list, map[string][]int{}}
	for i, o := range list {
		for _, top := range jobpath.Union(o.outputs, o.logs) {
			x.tops[top] = append(x.tops[top], i)
		}
	}
	return x
}

// of returns the jobs that declared p or a folder above it, in their order.
func (x owners) of(p string) []*over {
	var found []int
	for {
		found = append(found, x.tops[p]...)
		if p == "." || p == "/" {
			break
		}
		p = path.Dir(p)
	}
	slices.Sort(found)
	jobs := make([]*over, 0, len(found))
	for _, i := range slices.Compact(found) {
		jobs = append(jobs, x.list[i])
	}
	return jobs
}

// namesInReflog bounds a line of the reflog.
const namesInReflog = 20

// request makes one commit for each job.
func (f *finishing) request(ctx context.Context, list []*over, logs []annex.LogEdit) commit.Request {
	req := commit.Request{Logs: logs, MergeMessage: "Merge all branches from finished jobs\n"}
	names := make([]string, len(list))
	for i, o := range list {
		names[i] = o.name()
		req.Commits = append(req.Commits, commit.Commit{Message: f.message(o), Files: o.files, AllowEmpty: true, Tag: jobrec.TaskTag(o.job.ID, o.task)})
	}
	commits := req.Commits
	req.Confirm = func(ctx context.Context) error {
		if err := f.onlyForward(ctx, f.d, nil, commits); err != nil {
			return err
		}
		return f.confirm(ctx, list)
	}
	req.Reason = reason(names)
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

// reason is the line of the reflog.
func reason(names []string) string {
	text := "stemma finish: job " + strings.Join(names[:min(len(names), namesInReflog)], ", ")
	if more := len(names) - namesInReflog; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
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
	rec := jobrec.RunRecord(&o.job, o.prov)
	declared := o.job.Outputs
	if o.prov.Expand != "" {
		declared = f.expandOutputs(o)
	}
	rec.Outputs = jobpath.Union(declared, o.job.SlurmOutputs)
	own := o.prov.RecordFields(&o.job, o.status, o.changed)
	if o.task != "" {
		own["task"] = json.Number(o.task)
		own["task_outputs"] = f.graph.rows[o.job.ID].Outputs
	}
	rec.Extra = map[string]any{jobrec.RecordKey: own}
	return jobMessage(o, rec, f.opt.Message)
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
		if o.lost {
			if err := f.report(result.NotNeeded, &o.job, fmt.Sprintf("job %s was finished by another process", o.name())); err != nil {
				return err
			}
			continue
		}
		for _, rec := range o.records {
			if err := f.sink.Emit(rec); err != nil {
				return err
			}
		}
		rec := result.New(Action, result.OK, "", "").Msg(o.title())
		rec.Fields["slurm_job_id"] = o.job.JobID
		if o.task != "" {
			rec.Fields["task"] = o.task
		}
		rec.Fields["commit"] = string(res.Commits[i])
		if err := f.sink.Emit(rec); err != nil {
			return err
		}
	}
	return nil
}
