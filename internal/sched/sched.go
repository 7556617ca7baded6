// Package sched says what Stemma expects of a batch scheduler: how to read
// the answer to a submission, what became of jobs, which files they write,
// and how to cancel them. It knows no particular scheduler, starts no
// programs and does no I/O; packages slurm and local implement it, and
// package schedtest checks that they do.
package sched

import (
	"context"
	"time"
)

// Scheduler is a batch system. All methods may be called from several
// goroutines. Job ids are written as sbatch --parsable writes them: "12", or
// "12;cluster" for a job on another cluster.
type Scheduler interface {
	// Name is "slurm" or "local".
	Name() string
	// Environ returns KEY=VALUE pairs to add to the environment of the shell
	// that runs the user's submission command.
	Environ() []string
	// ParseSubmission finds the job id in what the submission command wrote
	// to its standard output. ok is false if there is none, or more than one.
	ParseSubmission(output []byte) (id, cluster string, ok bool)
	// Describe tells what the scheduler knows of a job right after its
	// submission. It fails if the scheduler does not know the job.
	Describe(ctx context.Context, id string) (Description, error)
	// Query asks for all jobs at once. The result has one entry for each
	// query, keyed by Query.ID. A job that nobody knows, or a scheduler that
	// does not answer, gives State Unknown and a Note, never an error; the
	// error is ctx's.
	Query(ctx context.Context, jobs []Query) (map[string]Status, error)
	// Candidates lists the caller's own jobs submitted at or after since,
	// to find those whose submission was interrupted.
	Candidates(ctx context.Context, since time.Time) ([]Candidate, error)
	// Cancel ends jobs or array tasks ("12_3"). Cancelling a job that has
	// ended, or that is not known, is no error.
	Cancel(ctx context.Context, ids []string) error
}

// Query names a job to ask about.
type Query struct {
	ID        string
	Tasks     int       // expected number of array tasks; 0 or 1: no array
	Submitted time.Time // by our clock; records of the same id from other times are of other jobs; zero: not known
	Stamp     time.Time // likewise by the scheduler's clock, as Describe told it; it counts more
}

// Status is what became of a job.
type Status struct {
	ID    string // as in the Query
	State State  // of the whole job; final only when every expected task is
	// Text is datalad-slurm's group text: the word all tasks share,
	// "ARRAY FAILED (SOME COMPLETE)" or "ARRAY FAILED (MULTIPLE CAUSES)";
	// while tasks are under way, the word of State.
	Text        string
	Tasks       []Task // in order of their ids
	NeverStarts bool   // what is left of the job waits for ever and should be cancelled
	Note        string // for people: why the state is not known, who must act
}

// Task is one task of an array, one component of a heterogeneous job, or the
// whole of any other job.
type Task struct {
	// ID is "12_3", "12+1" or "12". In an array the plain job id stands for
	// all tasks that left no record of their own.
	ID string
	// OwnID is the id of the task's own job (%j in names of output files),
	// which differs from the array's; "" until the task has started.
	OwnID    string
	State    State
	Raw      string // as the scheduler wrote it, such as "CANCELLED by 1000"
	ExitCode int
	Signal   int       // that ended the script, 0 if none
	Start    time.Time // zero if not known
	End      time.Time // zero if not known
	NodeList string
	MaxRSS   int64 // bytes, 0 if not known
	Reason   string
}

// Field is one KEY=VALUE of a job's description.
type Field struct{ Key, Value string }

// Description is what a scheduler knows of a job.
type Description struct {
	Fields []Field // of the first task, in the scheduler's order
	// Files are the absolute paths of the output and error files of all
	// tasks, without doubles and /dev/null. If the names of an array's files
	// hold %j, Slurm tells them only of tasks that have started; for others
	// it puts the array's id in the place of Task.OwnID (see Waiting).
	Files []string
	// TaskFiles are the files of each task of an array, by its id.
	TaskFiles  map[string][]string
	Tasks      int      // number of array tasks or components, 1 for a plain job
	TaskIDs    []string // "12_0", "12_1"; one plain id if there is no array
	Name       string
	WorkDir    string
	Dependency string    // "" if none
	Submitted  time.Time // by the scheduler's clock, to the second; zero if not told
	// Requeued says that the job has run before; Submitted is that of the
	// last time.
	Requeued bool
	// Waiting are the tasks of an array that have no id of their own yet.
	Waiting []string
}

// Candidate is a job of the caller that may be one whose submission was
// interrupted.
type Candidate struct {
	ID, Name, WorkDir string
	Submitted         time.Time
	Cluster           string // "" if not told
}
