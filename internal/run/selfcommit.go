package run

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/runrec"
)

// mark gives the execution a name that the commands below it inherit, so that
// commits which Stemma makes within it can be told from those of others.
func (t *task) mark() string {
	t.within = strings.ToLower(rand.Text()[:10])
	for _, kv := range t.d.Env.Vars {
		if outer, ok := strings.CutPrefix(kv, dataset.WithinVar+"="); ok && outer != "" {
			return dataset.WithinVar + "=" + outer + "." + t.within
		}
	}
	return dataset.WithinVar + "=" + t.within
}

// maxMoves bounds how far back the reflog is read.
const maxMoves = 10000

// movedByOthers reports whether the branch came to where it is only by other
// Stemma processes, which work beside this one, and not by the command. The
// reflog tells; where it does not, the command is held to have done it, as
// DataLad does.
func (t *task) movedByOthers(ctx context.Context, now gitobj.OID) bool {
	ref := t.branch
	if ref == "" {
		ref = "HEAD"
	}
	out, err := t.d.Repo.Output(ctx, "log", "-g", fmt.Sprintf("-n%d", maxMoves), "--format=%H %gs", ref, "--")
	if err != nil {
		return false
	}
	want := now
	for line := range strings.Lines(string(out)) {
		id, reason, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if gitobj.OID(id) == t.before {
			return want == ""
		}
		if want != "" && gitobj.OID(id) != want || !t.foreign(reason) {
			return false
		}
		want = ""
	}
	return false
}

// foreign reports whether a line of the reflog is of another Stemma process
// than those that the command has started.
func (t *task) foreign(reason string) bool {
	if !strings.HasPrefix(reason, "stemma ") && !strings.HasPrefix(reason, "stemma: ") {
		return false
	}
	_, path, _ := strings.Cut(reason, dataset.WithinMark)
	for name := range strings.SplitSeq(strings.TrimSuffix(path, "]"), ".") {
		if name == t.within {
			return false
		}
	}
	return true
}

// remainingMessage is DataLad's for what a self-committing command left.
const remainingMessage = "Remaining changes after command execution"

// saveSelfCommitted handles a command that made commits: what is left is
// committed, then a merge of both ends carries the record.
func (t *task) saveSelfCommitted(ctx context.Context, message string, sink result.Sink) error {
	if _, err := t.commitChanges(ctx, remainingMessage, "", sink); err != nil {
		return err
	}
	head, err := t.d.Repo.Head(ctx)
	if err != nil {
		return err
	}
	if _, err := t.d.CommitMerge(ctx, runrec.Cleanup(message), []gitobj.OID{t.base, head.OID}, "stemma run: "+runrec.ShortCommand(t.shell)); err != nil {
		return err
	}
	return t.d.Propagate(ctx)
}
