package annex

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// otherBranch is a git-annex branch of another repository that was fetched.
type otherBranch struct {
	ref string
	tip gitobj.OID
}

// maxMergedAtOnce bounds the processes that list differences side by side.
const maxMergedAtOnce = 8

// mergeTries bounds how often the branch may move under a merge: only by a
// program that ignores the journal lock.
const mergeTries = 5

// Merge brings every fetched git-annex branch into the own one, as git-annex
// does: a log file is the union of all sides' lines, what waits in the journal
// is folded in, and the branch moves once (forward only, where that is enough).
// Without a local branch it becomes origin's. It returns the refs that were
// merged. Only blobs that differ are read; memory does not grow with their
// number. The caller holds no lock of the branch.
func (a *Annex) Merge(ctx context.Context, now time.Time) ([]string, error) {
	if !a.Repo.Config.Bool("annex.merge-annex-branches", true) {
		return nil, nil
	}
	who, err := a.Repo.Identities(ctx, now)
	if err != nil {
		return nil, err
	}
	var all []string
	for tries := 0; ; {
		merged, more, err := a.mergeSome(ctx, who)
		if err != nil {
			if tries++; tries < mergeTries && errors.Is(err, errMoved) {
				continue
			}
			return all, fmt.Errorf("merge git-annex branches: %w", err)
		}
		all = append(all, merged...)
		if !more {
			return all, nil
		}
	}
}

// errMoved says that somebody else moved the branch meanwhile.
var errMoved = errors.New("the git-annex branch was moved by another program")

func (a *Annex) mergeSome(ctx context.Context, who git.Identities) (merged []string, more bool, err error) {
	j, err := a.LockJournal(ctx)
	if err != nil {
		return nil, false, err
	}
	defer j.Unlock()
	own, err := a.ownBranch(ctx)
	if err != nil {
		return nil, false, err
	}
	others, err := a.unmerged(ctx, own)
	if err != nil || len(others) == 0 {
		return nil, false, err
	}
	more = len(others) > maxMergedAtOnce
	others = others[:min(len(others), maxMergedAtOnce)]
	for _, o := range others {
		if err := a.compatible(ctx, own, o); err != nil {
			return nil, false, err
		}
		merged = append(merged, o.ref)
	}
	tip, err := j.merge(ctx, own, others, who)
	if err != nil {
		return nil, false, err
	}
	if err := a.move(ctx, own, tip); err != nil {
		return nil, false, err
	}
	return merged, more, errors.Join(j.Folded(), a.noteMerged(others))
}

// ownBranch is the local branch; where there is none, it becomes origin's.
func (a *Annex) ownBranch(ctx context.Context) (gitobj.OID, error) {
	own, err := a.Repo.Ref(ctx, BranchRef)
	if err != nil || own != "" {
		return own, err
	}
	origin, err := a.Repo.Ref(ctx, "refs/remotes/origin/git-annex")
	if err != nil || origin == "" {
		return "", err
	}
	return origin, a.move(ctx, "", origin)
}

func (a *Annex) move(ctx context.Context, from, to gitobj.OID) error {
	if from == to {
		return nil
	}
	err := a.Repo.MoveRefs(ctx, []git.RefMove{{Name: BranchRef, Old: from, New: to}}, "stemma: merge")
	if err == nil {
		return nil
	}
	if now, rerr := a.Repo.Ref(ctx, BranchRef); rerr == nil && now != from {
		return fmt.Errorf("%w: %w", errMoved, err)
	}
	return err
}

// unmerged lists the branches with commits that own lacks.
func (a *Annex) unmerged(ctx context.Context, own gitobj.OID) ([]otherBranch, error) {
	args := []string{"for-each-ref", "--format=%(objectname) %(refname)"}
	if own != "" {
		args = append(args, "--no-merged="+string(own))
	}
	out, err := a.Repo.Output(ctx, append(args, "refs/**/git-annex")...)
	if err != nil {
		return nil, err
	}
	ignored := a.refList("ignoredrefs")
	var list []otherBranch
	for line := range strings.Lines(string(out)) {
		id, ref, ok := strings.Cut(strings.TrimRight(line, "\n"), " ")
		tip, err := gitobj.ParseOID(id)
		if !ok || err != nil || ref == BranchRef || ignored.has(tip) {
			continue
		}
		list = append(list, otherBranch{ref, tip})
	}
	return list, nil
}

// compatible refuses branches whose history was rewritten differently, or that
// belong to a repository with another layout.
func (a *Annex) compatible(ctx context.Context, own gitobj.OID, o otherBranch) error {
	for _, file := range []string{annexlog.TransitionsFile, annexlog.DifferenceFile} {
		var ours []byte
		var err error
		if own != "" {
			if _, ours, err = a.Repo.Object(ctx, string(own)+":"+file, -1); err != nil {
				return err
			}
		}
		_, theirs, err := a.Repo.Object(ctx, string(o.tip)+":"+file, -1)
		if err != nil {
			return err
		}
		if file == annexlog.DifferenceFile && own == "" || sameLines(ours, theirs) {
			continue
		}
		return errs.WithHint(fmt.Errorf("%s and the local branch differ in %s, which cannot be merged here", o.ref, file),
			"let git-annex do it: git annex merge")
	}
	return nil
}

func sameLines(a, b []byte) bool {
	return bytes.Equal(annexlog.Union(a, b), a) && bytes.Equal(annexlog.Union(b, a), b)
}

// refList is one of git-annex's lists of branches: SHA, tab, ref in each line.
type refList []otherBranch

func (l refList) has(tip gitobj.OID) bool {
	return slices.ContainsFunc(l, func(o otherBranch) bool { return o.tip == tip })
}

func (a *Annex) refList(name string) refList {
	text, _ := os.ReadFile(a.Dir(name))
	var l refList
	for line := range strings.Lines(string(text)) {
		id, ref, _ := strings.Cut(strings.TrimRight(line, "\n"), "\t")
		if tip, err := gitobj.ParseOID(id); err == nil {
			l = append(l, otherBranch{ref, tip})
		}
	}
	return l
}

// noteMerged writes down which tips are part of the branch, so that readers
// need not look at them again.
func (a *Annex) noteMerged(others []otherBranch) error {
	list := slices.Clone(others)
	for _, old := range a.refList("mergedrefs") {
		if !slices.ContainsFunc(others, func(o otherBranch) bool { return o.ref == old.ref }) {
			list = append(list, old)
		}
	}
	var b strings.Builder
	for _, o := range list {
		fmt.Fprintf(&b, "%s\t%s\n", o.tip, o.ref)
	}
	err := fsx.WriteFile(a.Dir("mergedrefs"), []byte(b.String()), 0o644)
	if err == nil {
		err = a.Repo.Share(a.Dir("mergedrefs"))
	}
	if errors.Is(err, fs.ErrPermission) {
		return nil // a convenience only
	}
	return err
}
