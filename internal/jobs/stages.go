package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/stage"
)

// stageNote says what an isolated job's folder was given. It is kept beside the
// ledger from before the folder is made until after it is removed, so that no
// folder is ever forgotten.
type stageNote struct {
	Root     string         `json:"root"`
	Folder   string         `json:"folder"`
	Row      int64          `json:"row"` // of the ledger, which may have been rebuilt since
	WorkTree string         `json:"worktree"`
	Created  time.Time      `json:"created"`
	Files    []stage.Placed `json:"files,omitempty"` // none while they are being put there
}

// stagedInfo is what a record says of an isolated job's folder.
type stagedInfo struct {
	Files int   `json:"files"`
	Bytes int64 `json:"bytes"`
}

// fields is what the record holds of it; p may be nil.
func (p *stagedInfo) fields(j *ledger.Job, anonymous bool) map[string]any {
	m := map[string]any{}
	if p != nil {
		m["files"], m["bytes"] = p.Files, p.Bytes
	}
	if !anonymous {
		m["folder"] = j.AltDir
	}
	return m
}

func (n *stageNote) summary() *stagedInfo {
	s := &stagedInfo{Files: len(n.Files)}
	for _, f := range n.Files {
		s.Bytes += f.Size
	}
	return s
}

func stagesDir(d *dataset.Dataset) string { return filepath.Join(commit.StateDir(d.Repo), "stages") }

func notePath(d *dataset.Dataset, folder string) string {
	return filepath.Join(stagesDir(d), filepath.Base(folder)+".json")
}

// keep writes the note. Paths that are not UTF-8 would not survive JSON, so
// that they are quoted.
func (n stageNote) keep(d *dataset.Dataset) error {
	files := make([]stage.Placed, len(n.Files))
	for i, f := range n.Files {
		files[i] = f
		files[i].Path = ledger.QuoteBytes(f.Path)
	}
	n.Files, n.Root, n.Folder, n.WorkTree = files, ledger.QuoteBytes(n.Root), ledger.QuoteBytes(n.Folder), ledger.QuoteBytes(n.WorkTree)
	data, err := json.Marshal(n)
	if err != nil {
		return err
	}
	path := notePath(d, n.Folder)
	err = fsx.WriteFile(path, data, 0o666)
	if errors.Is(err, fs.ErrNotExist) {
		if err = d.Repo.MakeShared(filepath.Dir(path)); err == nil {
			err = fsx.WriteFile(path, data, 0o666)
		}
	}
	if err == nil {
		err = d.Repo.Share(path)
	}
	if err != nil {
		return fmt.Errorf("note staging folder: %w", err)
	}
	return nil
}

func (n stageNote) forget(d *dataset.Dataset) error {
	err := os.Remove(notePath(d, n.Folder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// maxNote bounds what is read of a note.
const maxNote = 1 << 30

// readNote reads one note. It must lead to a folder that can be a job's.
func readNote(path string) (n stageNote, err error) {
	fi, err := os.Stat(path)
	if err != nil {
		return n, err
	}
	if fi.Size() > maxNote {
		return n, fmt.Errorf("%s is too large", path)
	}
	data, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(data, &n)
	}
	n.Root, n.Folder, n.WorkTree = ledger.UnquoteBytes(n.Root), ledger.UnquoteBytes(n.Folder), ledger.UnquoteBytes(n.WorkTree)
	for i := range n.Files {
		n.Files[i].Path = ledger.UnquoteBytes(n.Files[i].Path)
	}
	if err == nil && (!stage.IsFolder(n.Root, n.Folder) || filepath.Base(n.Folder)+".json" != filepath.Base(path)) {
		err = errors.New("it names no folder of a job")
	}
	if err != nil {
		return n, fmt.Errorf("read note of a staging folder %s: %w", path, err)
	}
	return n, nil
}

// noteOf returns the note of an isolated job; ok is false where there is none.
func noteOf(d *dataset.Dataset, j *ledger.Job) (n stageNote, ok bool, err error) {
	n, err = readNote(notePath(d, j.AltDir))
	if errors.Is(err, fs.ErrNotExist) {
		return n, false, nil
	}
	return n, err == nil && n.Folder == j.AltDir, err
}

// dropStale removes what belongs to claims that were taken over.
func (c *scheduling) dropStale() {
	for _, folder := range c.stale {
		n, err := readNote(notePath(c.d, folder))
		if err == nil && n.Folder == folder {
			err = stage.Remove(folder)
		}
		if err == nil {
			_ = n.forget(c.d)
		}
	}
	c.stale = nil
}

// Stage is a folder apart from the dataset in which a job runs or ran.
type Stage struct {
	Folder  string     `json:"folder"`
	Kind    string     `json:"kind"`    // "isolated" or "alt-dir"
	Row     int64      `json:"row"`     // of the ledger; 0 where the job is forgotten
	JobID   string     `json:"job"`     // "" until known
	State   string     `json:"state"`   // of the job in the ledger: submitting, uncertain, open, committed, closed-failed, released, forgotten
	Open    bool       `json:"open"`    // the folder is kept
	Missing bool       `json:"missing"` // the folder is gone
	Created *time.Time `json:"created,omitempty"`
	stage.Usage
	Note string `json:"note,omitempty"` // for people
	root string
}

// Pool is what isolated jobs of one area share.
type Pool struct {
	Root string `json:"folder"`
	Kind string `json:"kind"` // "pool"
	stage.Usage
}

// Stages lists the folders that jobs of this clone have outside of it, oldest
// first, and what those share: isolated jobs until their folders are pruned, and
// the copies of open jobs in alternative folders.
func Stages(ctx context.Context, d *dataset.Dataset) (list []Stage, pools []Pool, err error) {
	notes, err := stageNotes(d)
	if err != nil {
		return nil, nil, err
	}
	owners, err := stageOwners(ctx, d, notes)
	if err != nil {
		return nil, nil, err
	}
	roots := map[string]bool{}
	for _, n := range notes {
		s := describeStage(d, n, owners[n.Folder])
		if s.Usage, err = usage(n.Folder, &s); err != nil {
			return nil, nil, err
		}
		list = append(list, s)
		roots[n.Root] = true
	}
	for _, j := range owners[""] {
		s := Stage{Folder: j.AltDir, Kind: "alt-dir", Row: j.ID, JobID: j.JobID, State: string(j.State), Open: true, Created: &j.CreatedAt}
		if s.Usage, s.Missing, err = altUsage(&j); err != nil {
			return nil, nil, err
		}
		list = append(list, s)
	}
	slices.SortStableFunc(list, func(a, b Stage) int { return a.Created.Compare(*b.Created) })
	for root := range roots {
		u, err := stage.PoolUsage(root)
		if err != nil {
			return nil, nil, err
		}
		if u.Files > 0 {
			pools = append(pools, Pool{root, "pool", u})
		}
	}
	slices.SortFunc(pools, func(a, b Pool) int { return strings.Compare(a.Root, b.Root) })
	return list, pools, nil
}

func usage(folder string, s *Stage) (stage.Usage, error) {
	u, ok, err := stage.UsageOf(folder)
	s.Missing = !ok
	return u, err
}

// stageNotes reads all notes. One that cannot be read is passed over, and told.
func stageNotes(d *dataset.Dataset) (list []stageNote, err error) {
	names, err := os.ReadDir(stagesDir(d))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for _, e := range names {
		if !strings.HasSuffix(e.Name(), ".json") || strings.HasPrefix(e.Name(), fsx.TempPrefix) {
			continue
		}
		n, err := readNote(filepath.Join(stagesDir(d), e.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue // pruned meanwhile
		}
		if err != nil {
			d.Env.Log.Warn(err.Error())
			continue
		}
		list = append(list, n)
	}
	return list, nil
}

// stageOwners finds the jobs by their folders; below "" are the open jobs with
// alternative folders. The rows of a rebuilt ledger are others than those of
// the notes.
func stageOwners(ctx context.Context, d *dataset.Dataset, notes []stageNote) (map[string][]ledger.Job, error) {
	owners := map[string][]ledger.Job{}
	if !hasLedger(d) {
		return owners, nil
	}
	err := withLedger(ctx, d, "look at staging folders", func(l *ledger.Ledger) error {
		for job, err := range l.Jobs(ctx, ledger.Filter{}) {
			switch {
			case err != nil:
				return err
			case job.Isolated != "":
				owners[job.AltDir] = append(owners[job.AltDir], job)
			case job.AltDir != "":
				owners[""] = append(owners[""], job)
			}
		}
		for _, n := range notes {
			if len(owners[n.Folder]) > 0 {
				continue
			}
			job, err := l.Get(ctx, n.Row)
			if err != nil && !errors.Is(err, ledger.ErrNotFound) {
				return err
			}
			if err == nil && job.AltDir == n.Folder {
				owners[n.Folder] = []ledger.Job{job}
			}
		}
		return nil
	})
	return owners, err
}

// describeStage says of a folder whose it is.
func describeStage(d *dataset.Dataset, n stageNote, owner []ledger.Job) Stage {
	s := Stage{Folder: n.Folder, Kind: "isolated", State: "forgotten", Created: &n.Created, root: n.Root}
	if len(owner) == 0 {
		return s
	}
	j := owner[0]
	s.Row, s.JobID, s.State, s.Open = j.ID, j.JobID, string(j.State), j.State != ledger.StateClosed
	if !s.Open {
		s.State = string(j.Outcome)
		return s
	}
	if damage, err := stage.Inspect(n.Folder, n.Files); err == nil && damage.Lost() {
		s.Note = damage.String()
	}
	return s
}

// altUsage counts what is known of a job in an alternative folder: its inputs,
// its outputs and its script.
func altUsage(j *ledger.Job) (u stage.Usage, missing bool, err error) {
	if _, err := os.Stat(j.AltDir); errors.Is(err, fs.ErrNotExist) {
		return u, true, nil
	}
	paths := []string{j.Script}
	for p := range j.InputIDs {
		paths = append(paths, p)
	}
	for _, text := range j.Outputs {
		found, err := outputsAt(j.AltDir, text)
		if err != nil {
			return u, false, err
		}
		paths = append(paths, found...)
	}
	u, err = stage.UsageOfPaths(j.AltDir, union(paths, j.SlurmOutputs))
	return u, false, err
}
