package jobstate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/jobs/jobpath"
	"github.com/stemma-data/stemma/internal/jobs/jobrec"
	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/pyfmt"
	"github.com/stemma-data/stemma/internal/sched"
)

// Describe asks the scheduler for the job's log files and number of tasks, and
// writes the env.json file. What cannot be learned now is asked for again when
// the job is finished; warnings say so.
func Describe(ctx context.Context, d *dataset.Dataset, s sched.Scheduler, j *ledger.Job, p *jobrec.Provenance) {
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	var desc sched.Description
	own, err := SchedulerOf(s, j)
	if err == nil {
		desc, err = own.Describe(ctx, jobrec.QueryID(j))
	}
	if err == nil && anotherJob(j, p, desc) {
		err = fmt.Errorf("its id belongs to another job by now, submitted %s", desc.Submitted.Local().Format(time.DateTime))
	}
	if err != nil {
		p.Undescribed = true
		d.Env.Log.Warn(fmt.Sprintf("job %s: its log files are not known yet: %v", j.JobID, err))
		return
	}
	p.Undescribed = false
	p.Name, p.Stamp = desc.Name, desc.Submitted
	p.WaitsFor = desc.Dependency
	if desc.Tasks > 1 {
		j.Tasks = desc.Tasks
	}
	p.TakeTasks(j, desc)
	p.TakeWaiting(j, desc)
	root := jobrec.JobRoot(j)
	var logs []string
	for _, f := range desc.Files {
		rel, ok := jobpath.RelativeTo(root, f)
		if !ok {
			d.Env.Log.Warn(fmt.Sprintf("job %s: its log file %s lies outside the dataset and will not be committed", j.JobID, f))
			continue
		}
		logs = append(logs, rel)
	}
	name, err := writeEnv(root, j, p, desc, logs)
	if err != nil {
		d.Env.Log.Warn(fmt.Sprintf("job %s: %v", j.JobID, err))
	} else {
		logs = append(logs, name)
	}
	j.SlurmOutputs = logs
	for _, l := range logs {
		if !slices.Contains(j.Claims, l) {
			j.Claims = append(j.Claims, l)
		}
	}
}

// ClockSlack is by how much the scheduler's clock and ours may differ.
const ClockSlack = time.Hour

// anotherJob reports whether a description is of a job that got the same id
// later.
func anotherJob(j *ledger.Job, p *jobrec.Provenance, desc sched.Description) bool {
	switch {
	case desc.Submitted.IsZero() || desc.Requeued:
		return false
	case !p.Stamp.IsZero():
		return !desc.Submitted.Equal(p.Stamp)
	}
	return !j.SubmittedAt.IsZero() && desc.Submitted.Sub(j.SubmittedAt) > ClockSlack+submissionLength
}

// submissionLength is how long a submission may take, of which SubmittedAt is
// the beginning: `sbatch --wait` and wrappers wait for the job.
const submissionLength = 30 * 24 * time.Hour

// envDropped never goes into env.json: names of the user and the group, and
// what Slurm repeats of the command line, which may hold anything.
var envDropped = []string{"UserId", "JobId", "GroupId", "SubmitLine"}

// envHosts goes out as well where the job is to stay anonymous.
var envHosts = []string{
	"Account", "AllocNode:Sid", "BatchHost", "NodeList", "ReqNodeList", "ExcNodeList", "SchedNodeList",
	"MailUser", "Licenses", "Reservation", "Partition", "MCS_label", "Nodes", "FedOrigin", "ClusterFeatures",
}

// envFields picks what may be published of a job's description.
func envFields(fields []sched.Field, anonymous bool) (kept []sched.Field) {
	for _, f := range fields {
		if slices.Contains(envDropped, f.Key) {
			continue
		}
		if anonymous && (slices.Contains(envHosts, f.Key) || strings.HasPrefix(f.Value, "/")) {
			continue
		}
		kept = append(kept, f)
	}
	return kept
}

// envText prints fields in their order, as datalad-slurm does: two blanks of
// indentation, no newline at the end.
func envText(fields []sched.Field) string {
	lines := make([]string, len(fields))
	for i, f := range fields {
		lines[i] = "  " + pyfmt.JSON(f.Key) + ": " + pyfmt.JSON(f.Value)
	}
	return "{\n" + strings.Join(lines, ",\n") + "\n}"
}

// maxEnvNames bounds how many files of one name are looked at.
const maxEnvNames = 1000

// writeEnv writes what the scheduler knows of the job to slurm-job-ID.env.json,
// next to its output file, and returns its path relative to root. A file of
// that name that somebody else wrote, such as an earlier job that had the same
// id, is left alone: the new one is called slurm-job-ID-2.env.json.
func writeEnv(root string, j *ledger.Job, p *jobrec.Provenance, desc sched.Description, logs []string) (string, error) {
	dir := j.Pwd
	if len(logs) > 0 {
		dir = path.Dir(logs[0])
	}
	data := envText(envFields(desc.Fields, p.Anonymous))
	for n := 1; n < maxEnvNames; n++ {
		name := "slurm-job-" + j.JobID
		if n > 1 {
			name += fmt.Sprintf("-%d", n)
		}
		rel := path.Join(dir, name+".env.json")
		if done, err := writeEnvAs(root, rel, data); done || err != nil {
			return rel, err
		}
	}
	return "", fmt.Errorf("slurm-job-%s.env.json and many files of similar names are there already and are kept as they are", j.JobID)
}

// maxEnv bounds what is read of such a file.
const maxEnv = 1 << 20

// writeEnvAs reports false if the file is there and is not ours.
func writeEnvAs(root, rel, data string) (bool, error) {
	if err := fsx.Beneath(root, rel); err != nil {
		return false, err
	}
	file := filepath.Join(root, filepath.FromSlash(rel))
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if errors.Is(err, fs.ErrExist) {
		// Ours may be there, from an attempt that did not live to record it, or
		// not even to fill it.
		old, rerr := fsx.ReadHead(file, maxEnv)
		if rerr != nil || len(old) > 0 {
			return rerr == nil && submitTime(string(old)) != "" && submitTime(string(old)) == submitTime(data), nil
		}
		f, err = os.OpenFile(file, os.O_WRONLY, 0)
	}
	if err != nil {
		return false, err
	}
	_, err = f.WriteString(data)
	if err = errors.Join(err, f.Close()); err != nil {
		_ = os.Remove(file)
	}
	return true, err
}

// submitTime finds the line of env.json that tells two jobs of one id apart.
func submitTime(text string) string {
	_, rest, _ := strings.Cut(text, `"SubmitTime": "`)
	at, _, _ := strings.Cut(rest, `"`)
	return at
}
