package reschedule

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/jobs/jobrec"
	"github.com/stemma-data/stemma/internal/runrec"
)

// past is a commit that records a job.
type past struct {
	id, author, date string
	parents          []string
	title            string
	rec              *runrec.Record

	tasks   []int    // of an array, if not all; see joinTasks
	outputs []string // of the whole array, with {task}
	chain   []string // the commits that are repeated
}

// recorded finds the commits that are to be done again, oldest first.
func recorded(ctx context.Context, d *dataset.Dataset, opt Options) ([]past, error) {
	span, err := revisionRange(ctx, d, opt)
	if err != nil {
		return nil, err
	}
	out, err := d.Repo.Output(ctx, "log", "-z", "--reverse", "--topo-order", "--no-show-signature",
		"--format=%H%n%P%n%an%n%aI%n%B", "--end-of-options", span, "--")
	if err != nil {
		return nil, err
	}
	var list []past
	for text := range strings.SplitSeq(string(out), "\x00") {
		c, ok, err := parsePast(ctx, d, text)
		if err != nil {
			return nil, err
		}
		if ok && (opt.WithFailed || !c.failed()) {
			list = append(list, c)
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("No schedule commits found in range %s", span) //nolint:staticcheck // DataLad's text
	}
	for _, c := range list {
		if c.rec.DSID != "" && d.ID != "" && c.rec.DSID != d.ID {
			return nil, fmt.Errorf("%.7s was ran from a different dataset", c.id)
		}
	}
	return list, nil
}

// revisionRange follows DataLad's rules for rerun.
func revisionRange(ctx context.Context, d *dataset.Dataset, opt Options) (string, error) {
	rev := opt.Revision
	if rev == "" {
		head, err := d.Repo.Head(ctx)
		if err != nil {
			return "", err
		}
		if head.OID == "" {
			return "", errors.New("cannot rerun command, nothing recorded")
		}
		// Of an adjusted branch, the one that it was made of: its own last commit
		// records nothing.
		if rev, _, _ = annex.ParseAdjusted(head.Branch()); rev == "" {
			rev = "HEAD"
		}
	}
	if strings.ContainsAny(rev, "\n\x00") || strings.HasPrefix(rev, "-") {
		return "", fmt.Errorf("revision %q: not a valid name", rev)
	}
	if _, err := d.Repo.Output(ctx, "rev-parse", "-q", "--verify", "--end-of-options", rev+"^{commit}"); err != nil {
		return "", fmt.Errorf("revision %s: no such commit", rev)
	}
	switch {
	case opt.Since == nil:
		if _, err := d.Repo.Output(ctx, "rev-parse", "-q", "--verify", "--end-of-options", rev+"^"); err != nil {
			return rev, nil
		}
		return rev + "^.." + rev, nil
	case *opt.Since == "":
		return rev, nil
	}
	return *opt.Since + ".." + rev, nil
}

// parsePast reads one commit of git log; ok is false if it records no job.
func parsePast(ctx context.Context, d *dataset.Dataset, text string) (c past, ok bool, err error) {
	f := strings.SplitN(strings.TrimPrefix(text, "\n"), "\n", 5)
	if len(f) < 5 {
		return c, false, nil
	}
	c = past{id: f[0], parents: strings.Fields(f[1]), author: f[2], date: f[3]}
	m, err := runrec.Parse(f[4])
	if errors.Is(err, runrec.ErrNoRecord) {
		return c, false, nil
	}
	if err != nil && strings.HasPrefix(f[4], "["+string(runrec.SlurmKind)+"]") {
		return c, false, fmt.Errorf("Error on %s's message: %w", c.id, err) //nolint:staticcheck // DataLad's text
	}
	if err != nil || m.Kind != runrec.SlurmKind || len(c.parents) != 1 {
		return c, false, nil
	}
	c.title, c.rec = m.Title, m.Record
	if c.rec == nil {
		c.rec, err = sidecar(ctx, d, m.RecordID)
	}
	return c, err == nil, err
}

// sidecar reads a record that is kept in a file.
func sidecar(_ context.Context, d *dataset.Dataset, id string) (*runrec.Record, error) {
	dir := d.Config("datalad.run.record-directory")
	if dir == "" {
		dir = filepath.Join(".datalad", "runinfo")
	}
	if !filepath.IsLocal(dir) {
		return nil, fmt.Errorf("read run record: folder %s is outside the dataset", dir)
	}
	f, err := os.Open(d.Repo.Path(dir, id))
	if err != nil {
		return nil, fmt.Errorf("read run record: %w", err)
	}
	defer f.Close()
	return runrec.ReadSidecar(f)
}

// failed reports whether the job was committed although it failed. As in
// datalad-slurm, the first line "Slurm job …" of the message tells.
func (c past) failed() bool {
	for line := range strings.SplitSeq(c.title, "\n") {
		if strings.HasPrefix(line, "Slurm job") {
			return !strings.HasSuffix(line, ": Completed")
		}
	}
	return false
}

// message is what the new job's message says: the recorded one, and which job
// is repeated. Lines that earlier repetitions added do not pile up.
func (c past) message(given string) string {
	text := given
	if text == "" {
		text = cleanMessage(c.title)
	}
	if c.rec.SlurmJobID == "" {
		return text
	}
	what := c.rec.SlurmJobID
	if len(c.tasks) > 0 {
		what += ", tasks " + jobrec.TaskList(c.tasks)
	}
	return strings.TrimLeft(text+"\n\nRe-submission of job "+what+".", "\n")
}

// cleanMessage drops all but the first "Slurm job …" paragraph, and those that
// name earlier repetitions.
func cleanMessage(title string) string {
	var kept []string
	seen := false
	for p := range strings.SplitSeq(title, "\n\n") {
		first, _, _ := strings.Cut(p, "\n")
		switch {
		case strings.HasPrefix(p, "Re-submission of job "):
			continue
		case strings.HasPrefix(first, "Slurm job ") && strings.Contains(first, ": ") && !strings.HasPrefix(first, "Slurm job(s)"):
			if seen {
				continue
			}
			seen = true
		}
		kept = append(kept, p)
	}
	return strings.Join(kept, "\n\n")
}

// declared are the outputs that the record declares: what it lists without
// Slurm's own files, relative to the dataset.
func (c past) declared() []string {
	if len(c.outputs) > 0 {
		return c.outputs
	}
	slurm := map[string]bool{}
	for _, p := range c.rec.SlurmOutputs {
		slurm[filepath.Clean(p)] = true
	}
	var list []string
	for _, p := range c.rec.Outputs {
		if !slurm[filepath.Clean(p)] {
			list = append(list, p)
		}
	}
	return list
}
