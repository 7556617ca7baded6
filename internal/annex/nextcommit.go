package annex

import (
	"bytes"
	"context"
	"sort"

	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// Prepare makes the commit that applies the edits, and whatever waits in the
// journal, to the branch whose tip is tip. It returns tip itself where nothing
// would change. The caller moves the ref and then calls Folded.
func (j *Journal) Prepare(ctx context.Context, im *git.Import, tip gitobj.OID, edits []LogEdit, who git.Identities) (gitobj.OID, error) {
	edits, private := j.annex.splitPrivate(edits)
	if err := j.annex.notePrivate(ctx, private); err != nil {
		return "", err
	}
	journal, err := j.readJournal()
	if err != nil {
		return "", err
	}
	byPath := map[string][]LogEdit{}
	for _, e := range edits {
		byPath[e.Path] = append(byPath[e.Path], e)
	}
	for p := range journal {
		if _, ok := byPath[p]; !ok {
			byPath[p] = nil
		}
	}
	paths := make([]string, 0, len(byPath))
	for p := range byPath {
		paths = append(paths, p)
	}
	sort.Strings(paths)
	old, err := j.readLogs(ctx, im, tip, paths)
	if err != nil {
		return "", err
	}
	n := &nextCommit{j: j, im: im, tip: tip, who: who}
	for _, p := range paths {
		if err := j.apply(n, p, old[p], journal, byPath[p]); err != nil {
			return "", err
		}
	}
	return n.end()
}

// nextCommit is the commit that Prepare makes. It is begun with its first file,
// so that git works on the files while the next ones are thought about.
type nextCommit struct {
	j     *Journal
	im    *git.Import
	tip   gitobj.OID // "" where the branch is still to be created
	who   git.Identities
	begun bool
}

// begin is called before each file.
func (n *nextCommit) begin() (err error) {
	if n.begun {
		return nil
	}
	n.begun = true
	if n.tip == "" {
		if n.tip, _, err = n.im.Commit(git.CommitSpec{Who: n.who, Message: "branch created"}); err != nil {
			return err
		}
	}
	return n.im.Begin(git.CommitSpec{Parents: []gitobj.OID{n.tip}, Who: n.who, Message: n.j.annex.message()})
}

func (n *nextCommit) put(path string, content []byte) error {
	if err := n.begin(); err != nil {
		return err
	}
	n.im.PutData(path, gitobj.ModeFile, content)
	return nil
}

// end returns the commit, or the tip itself where there is nothing to commit. A
// new branch has a commit in any case.
func (n *nextCommit) end() (gitobj.OID, error) {
	if n.tip == "" {
		if err := n.begin(); err != nil {
			return "", err
		}
	}
	if !n.begun {
		return n.tip, nil
	}
	commit, _, err := n.im.End()
	return commit, err
}

func (a *Annex) message() string {
	if m := a.Repo.Config.Get("annex.commitmessage"); m != "" {
		return m
	}
	return commitMessage
}

// apply computes the new content of a log, and commits it if it changed.
func (j *Journal) apply(n *nextCommit, path string, old []byte, journal map[string][]byte, edits []LogEdit) error {
	content := old
	if waiting, ok := journal[path]; ok {
		// A push may have moved the branch since the journal file was
		// written, so neither side alone is complete.
		if content == nil {
			content = waiting
		} else if !bytes.Equal(content, waiting) {
			content = annexlog.Union(content, waiting)
		}
	}
	for _, e := range edits {
		content = e.Change(content)
	}
	if err := j.refresh(path, journal, content); err != nil || bytes.Equal(content, old) {
		return err
	}
	return n.put(path, content)
}

// refresh gives a journal file the content that is about to be committed: if
// we die after the ref has moved, git-annex will put the file over ours.
func (j *Journal) refresh(path string, journal map[string][]byte, content []byte) error {
	waiting, ok := journal[path]
	if !ok || bytes.Equal(waiting, content) {
		return nil
	}
	return fsx.WriteFileVia(j.annex.Dir("tmp"), j.annex.Dir("journal", annexlog.JournalName(path)), content, 0o644)
}
