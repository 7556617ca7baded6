package stages

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/jobs/jobdb"
	"github.com/stemma-data/stemma/internal/jobs/jobpath"
	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/stage"
)

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

// List lists the folders that jobs of this clone have outside of it, oldest
// first, and what those share: isolated jobs until their folders are pruned, and
// the copies of open jobs in alternative folders.
func List(ctx context.Context, d *dataset.Dataset) (list []Stage, pools []Pool, err error) {
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
func stageNotes(d *dataset.Dataset) (list []Note, err error) {
	names, err := os.ReadDir(dir(d))
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
		n, err := ReadNote(filepath.Join(dir(d), e.Name()))
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
func stageOwners(ctx context.Context, d *dataset.Dataset, notes []Note) (map[string][]ledger.Job, error) {
	owners := map[string][]ledger.Job{}
	if !jobdb.Exists(d) {
		return owners, nil
	}
	err := jobdb.With(ctx, d, "look at staging folders", func(l *ledger.Ledger) error {
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
func describeStage(d *dataset.Dataset, n Note, owner []ledger.Job) Stage {
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
		found, err := jobpath.OutputsAt(j.AltDir, text)
		if err != nil {
			return u, false, err
		}
		paths = append(paths, found...)
	}
	u, err = stage.UsageOfPaths(j.AltDir, jobpath.Union(paths, j.SlurmOutputs))
	return u, false, err
}
