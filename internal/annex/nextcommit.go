package annex

import (
	"bytes"
	"context"
	"slices"
	"sort"
	"sync"

	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// Prepare makes the commit that applies the edits, and whatever waits in the
// journal, to the branch whose tip is tip. It returns tip itself where nothing
// would change. The caller moves the ref and then calls Folded.
func (j *Journal) Prepare(ctx context.Context, w *git.ObjectWriter, tip gitobj.OID, edits []LogEdit, who git.Identities) (gitobj.OID, error) {
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
	old, err := j.readLogs(ctx, tip, paths)
	if err != nil {
		return "", err
	}
	n := &nextCommit{j: j, writer: w, tip: tip, who: who}
	for some := range slices.Chunk(paths, logsAtOnce) {
		contents := eachAtOnce(some, func(p string) []byte { return newContent(old[p], journal[p], byPath[p]) })
		for i, p := range some {
			if err := j.refresh(p, journal, contents[i]); err != nil {
				return "", err
			}
			if bytes.Equal(contents[i], old[p]) {
				continue
			}
			if err := n.put(p, contents[i]); err != nil {
				return "", err
			}
		}
	}
	return n.end()
}

// logsAtOnce is how many logs are computed before they are written.
const logsAtOnce = 256

// eachAtOnce returns what compute makes of each path, with all processors.
func eachAtOnce(paths []string, compute func(path string) []byte) [][]byte {
	out := make([][]byte, len(paths))
	var wg sync.WaitGroup
	const few = 16 // for one goroutine
	for begin := 0; begin < len(paths); begin += few {
		wg.Go(func() {
			for i := begin; i < min(begin+few, len(paths)); i++ {
				out[i] = compute(paths[i])
			}
		})
	}
	wg.Wait()
	return out
}

// nextCommit is the commit that Prepare makes. It is begun with its first file.
type nextCommit struct {
	j      *Journal
	writer *git.ObjectWriter
	tip    gitobj.OID // "" where the branch is still to be created
	who    git.Identities
	begun  bool
}

// begin is called before each file.
func (n *nextCommit) begin() (err error) {
	if n.begun {
		return nil
	}
	n.begun = true
	if n.tip == "" {
		if n.tip, _, err = n.writer.Commit(git.CommitSpec{Who: n.who, Message: "branch created"}); err != nil {
			return err
		}
	}
	return n.writer.Begin(git.CommitSpec{Parents: []gitobj.OID{n.tip}, Who: n.who, Message: n.j.annex.message()})
}

func (n *nextCommit) put(path string, content []byte) error {
	if err := n.begin(); err != nil {
		return err
	}
	n.writer.PutData(path, gitobj.ModeFile, content)
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
	commit, _, err := n.writer.End()
	return commit, err
}

func (a *Annex) message() string {
	if m := a.Repo.Config.Get("annex.commitmessage"); m != "" {
		return m
	}
	return commitMessage
}

// newContent is a log's, of what the branch has, what waits in the journal (nil:
// nothing) and the edits.
func newContent(old, waiting []byte, edits []LogEdit) []byte {
	content := old
	switch {
	case waiting == nil || bytes.Equal(content, waiting):
	case content == nil:
		content = waiting
	default:
		// A push may have moved the branch since the journal file was
		// written, so neither side alone is complete.
		content = annexlog.Union(content, waiting)
	}
	for _, e := range edits {
		content = e.Change(content)
	}
	return content
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
