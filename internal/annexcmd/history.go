package annexcmd

import (
	"container/heap"
	"context"
	"slices"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// Event says that content came to a repository, or went.
type Event struct {
	File  File
	Added bool
	Time  int64 // when it was recorded, seconds since 1970
	UUID  string
}

// History tells what the git-annex branch recorded about where content was. It
// is read in one pass over the branch, whatever the number of files.
type History struct {
	s       *Session
	commits []git.Commit
	place   map[gitobj.OID]int // commit to its place in commits
	merges  bool
	max     int // commits for each file; negative: all
}

// NewHistory lists the branch's commits. The options are those of `git log`
// that limit by time; max, if not negative, limits the commits of each file.
func (s *Session) NewHistory(ctx context.Context, options []string, max int) (*History, error) {
	h := &History{s: s, place: map[gitobj.OID]int{}, max: max}
	tip, err := s.D.Repo.Ref(ctx, annex.BranchRef)
	if err != nil || tip == "" {
		return h, err
	}
	if h.commits, err = s.D.Repo.Log(ctx, string(tip), options...); err != nil {
		return nil, err
	}
	for i, c := range h.commits {
		h.place[c.ID] = i
		h.merges = h.merges || len(c.Parents) > 1
	}
	return h, nil
}

// Everything reports all changes of location logs, in the order of the commits.
func (h *History) Everything(ctx context.Context, report func(Event) error) error {
	commits := h.commits
	if h.max >= 0 {
		commits = commits[:min(h.max, len(commits))]
	}
	return h.s.D.Repo.Changes(ctx, commits, nil, func(at, _ int, c git.PathChange) error {
		k, suffix, ok := annexlog.ParseKeyPath(c.Path)
		if !ok || suffix != annexlog.LocationSuffix || len(commits[at].Parents) > 1 {
			return nil
		}
		return h.compare(ctx, KeyFile(k), commits[at].Time, c.Old, c.New, report)
	})
}

// fewPaths is the number of paths up to which git itself looks only at them.
const fewPaths = 64

// Files reports what is known of the files' content, file by file, the newest
// first.
func (h *History) Files(ctx context.Context, files []File, report func(Event) error) error {
	logs := map[string]*pathHistory{}
	for _, f := range files {
		logs[annexlog.LocationPath(f.Key)] = &pathHistory{}
	}
	var paths []string
	if len(logs) <= fewPaths {
		for p := range logs {
			paths = append(paths, p)
		}
	}
	if len(files) == 0 {
		return nil
	}
	err := h.s.D.Repo.Changes(ctx, h.commits, paths, func(at, parent int, c git.PathChange) error {
		if p := logs[c.Path]; p != nil {
			p.changes = append(p.changes, pathChange{commit: at, parent: parent, old: c.Old, new: c.New})
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := h.file(ctx, f, logs[annexlog.LocationPath(f.Key)], report); err != nil {
			return err
		}
	}
	return nil
}

// file compares each version of a log with the one that is listed after it, as
// git-annex does.
func (h *History) file(ctx context.Context, f File, p *pathHistory, report func(Event) error) error {
	shown := p.changes
	if h.merges {
		shown = h.simplify(p.changes)
	}
	if h.max >= 0 {
		shown = shown[:min(h.max, len(shown))]
	}
	shown = slices.DeleteFunc(slices.Clone(shown), func(c pathChange) bool { return c.merge })
	for i, c := range shown {
		old := c.old
		if i+1 < len(shown) {
			old = shown[i+1].new
		}
		if err := h.compare(ctx, f, h.commits[c.commit].Time, old, c.new, report); err != nil {
			return err
		}
	}
	return nil
}

// pathHistory is what became of one file of the branch.
type pathHistory struct{ changes []pathChange } // by commit and parent

type pathChange struct {
	commit, parent int
	old, new       gitobj.OID
	merge          bool // counts as a commit, and shows nothing
}

// simplify follows the branch as `git log -- PATH` does: of a merge that has
// the file as one of its parents has it, only that parent counts.
func (h *History) simplify(changes []pathChange) []pathChange {
	byCommit := map[int][]pathChange{}
	for _, c := range changes {
		byCommit[c.commit] = append(byCommit[c.commit], c)
	}
	var shown []pathChange
	queue, seen := &places{}, map[int]bool{}
	visit := func(id gitobj.OID) {
		if i, ok := h.place[id]; ok && !seen[i] {
			seen[i] = true
			heap.Push(queue, i)
		}
	}
	if len(h.commits) > 0 {
		visit(h.commits[0].ID)
	}
	for queue.Len() > 0 {
		i := heap.Pop(queue).(int)
		parents := h.commits[i].Parents
		if len(parents) <= 1 {
			shown = append(shown, byCommit[i]...)
			for _, id := range parents {
				visit(id)
			}
			continue
		}
		same := sameParent(len(parents), byCommit[i])
		if same < 0 {
			shown = append(shown, pathChange{commit: i, merge: true})
		}
		for n, id := range parents {
			if same < 0 || n == same {
				visit(id)
			}
		}
	}
	return shown
}

// sameParent is the first parent that the merge does not differ from; -1 if
// there is none.
func sameParent(parents int, changes []pathChange) int {
	for n := range parents {
		if !slices.ContainsFunc(changes, func(c pathChange) bool { return c.parent == n }) {
			return n
		}
	}
	return -1
}

// places is a heap of places in the list of commits.
type places []int

func (p places) Len() int           { return len(p) }
func (p places) Less(i, j int) bool { return p[i] < p[j] }
func (p places) Swap(i, j int)      { p[i], p[j] = p[j], p[i] }
func (p *places) Push(x any)        { *p = append(*p, x.(int)) }
func (p *places) Pop() any {
	last := len(*p) - 1
	x := (*p)[last]
	*p = (*p)[:last]
	return x
}

// compare reports the repositories that a log gained, and then those it lost.
func (h *History) compare(ctx context.Context, f File, when int64, old, new gitobj.OID, report func(Event) error) error {
	before, err := h.present(ctx, old)
	if err != nil {
		return err
	}
	after, err := h.present(ctx, new)
	if err != nil {
		return err
	}
	for _, u := range after {
		if !slices.Contains(before, u) {
			if err := report(Event{f, true, when, u}); err != nil {
				return err
			}
		}
	}
	for _, u := range before {
		if !slices.Contains(after, u) {
			if err := report(Event{f, false, when, u}); err != nil {
				return err
			}
		}
	}
	return nil
}

// maxLog is the size in bytes beyond which a location log is not believed.
const maxLog = 64 << 20

func (h *History) present(ctx context.Context, id gitobj.OID) ([]string, error) {
	if id == "" {
		return nil, nil
	}
	data, err := h.s.D.Repo.SmallBlob(ctx, id, maxLog)
	if err != nil {
		return nil, err
	}
	return annexlog.ParsePresence(data).Present(), nil
}
