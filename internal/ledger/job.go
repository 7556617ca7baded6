package ledger

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// State is how far a job has come.
type State string

// The closed set of states. A job starts as StateSubmitting, or as StateOpen
// when it is imported, and ends as StateClosed.
const (
	StateSubmitting State = "submitting" // claims are taken, the scheduler has not answered
	StateUncertain  State = "uncertain"  // the submission's outcome is not known
	StateOpen       State = "open"       // the scheduler knows it
	StateClosed     State = "closed"     // final
)

func (s State) valid() bool {
	return s == StateSubmitting || s == StateUncertain || s == StateOpen || s == StateClosed
}

// Outcome is why a job was closed; "" while it is not.
type Outcome string

// The outcomes.
const (
	Committed    Outcome = "committed"
	ClosedFailed Outcome = "closed-failed"
	Released     Outcome = "released" // given up without a commit; its claims are free
)

// Job is the record of one scheduled job. Paths are relative to the dataset
// root and use slashes unless said otherwise; any bytes are kept.
type Job struct {
	ID        int64  `json:"-"`                      // row id, ours
	JobID     string `json:"job_id,omitempty"`       // the scheduler's; "" until known
	Cluster   string `json:"cluster,omitempty"`      // "" for the default cluster
	Scheduler string `json:"scheduler,omitempty"`    // "slurm" or "local"
	WorkTree  string `json:"worktree"`               // absolute path of the work tree
	Branch    string `json:"branch,omitempty"`       // full ref name; "" for a detached head
	DSID      string `json:"dsid,omitempty"`         // the dataset's id
	Pwd       string `json:"pwd,omitempty"`          // folder of the command
	AltDir    string `json:"alt_dir,omitempty"`      // absolute; "" where the job works in place
	Isolated  string `json:"isolated,omitempty"`     // absolute; the area in which AltDir is a folder of this job alone
	Words     string `json:"words,omitempty"`        // of an isolated job: names what was asked for, see Ledger.Worded
	Script    string `json:"script,omitempty"`       // the job script
	Message   string `json:"message,omitempty"`      // the user's, for the commit
	Tasks     int    `json:"tasks,omitempty"`        // array tasks; 0 for no array
	Cmd       string `json:"cmd"`                    // as typed
	Expanded  string `json:"cmd_expanded,omitempty"` // with placeholders filled in

	BaseCommit gitobj.OID `json:"base_commit,omitempty"` // HEAD when it was scheduled
	Chain      []string   `json:"chain,omitempty"`       // commits of the earlier runs

	Inputs       []string `json:"inputs,omitempty"`       // as given
	ExtraInputs  []string `json:"extra_inputs,omitempty"` // as given
	Outputs      []string `json:"outputs,omitempty"`      // as recorded
	SlurmOutputs []string `json:"slurm_outputs,omitempty"`
	Claims       []string `json:"claims,omitempty"` // clean paths that nobody else may write; "." is everything

	InputIDs   map[string]string `json:"input_ids,omitempty"`   // object id or key per input when it was scheduled
	SubmitFile string            `json:"submit_file,omitempty"` // absolute path of the file that takes the submission's output
	Owner      fsx.Owner         `json:"owner"`                 // process that submits

	State   State      `json:"state"`
	Outcome Outcome    `json:"outcome,omitempty"`
	Commit  gitobj.OID `json:"commit,omitempty"` // made by finish

	CreatedAt   time.Time `json:"created_at"`
	SubmittedAt time.Time `json:"submitted_at,omitzero"`
	ClosedAt    time.Time `json:"closed_at,omitzero"`

	Extra map[string]json.RawMessage `json:"extra,omitempty"` // whatever callers add
}

// check refuses what the ledger could not search for.
func (j *Job) check() error {
	switch {
	case !j.State.valid():
		return fmt.Errorf("job has no such state: %q", j.State)
	case j.WorkTree == "":
		return errors.New("job has no work tree")
	case (j.State == StateClosed) != (j.Outcome != ""):
		return fmt.Errorf("job in state %s has outcome %q", j.State, j.Outcome)
	}
	for _, c := range j.Claims {
		if err := checkClaim(c); err != nil {
			return err
		}
	}
	return nil
}

// maxPath bounds claims, in bytes; it is Linux's PATH_MAX.
const maxPath = 4096

// checkClaim accepts "." and clean relative paths that stay inside.
func checkClaim(p string) error {
	if len(p) > maxPath {
		return fmt.Errorf("claim %.80q… is too long", p)
	}
	if p == "" || path.IsAbs(p) || path.Clean(p) != p || p == ".." || strings.HasPrefix(p, "../") || strings.ContainsRune(p, 0) {
		return fmt.Errorf("claim %q is not a clean relative path", p)
	}
	return nil
}

// encode prints the record for the database.
func (j Job) encode() (string, error) {
	j.mapStrings(QuoteBytes)
	b, err := json.Marshal(j)
	return string(b), err
}

// decode is the inverse of encode.
func (j *Job) decode(record string) error {
	if err := json.Unmarshal([]byte(record), j); err != nil {
		return err
	}
	if strings.Contains(record, quoteMark) {
		j.mapStrings(UnquoteBytes)
	}
	return nil
}

// mapStrings replaces every string that may hold a path or other bytes by
// f's result. Slices and maps are replaced, not changed.
func (j *Job) mapStrings(f func(string) string) {
	for _, s := range []*string{&j.JobID, &j.Cluster, &j.WorkTree, &j.Branch, &j.DSID, &j.Pwd, &j.AltDir,
		&j.Isolated, &j.Words, &j.Script, &j.Message, &j.Cmd, &j.Expanded, &j.SubmitFile, &j.Owner.Host} {
		*s = f(*s)
	}
	for _, l := range []*[]string{&j.Chain, &j.Inputs, &j.ExtraInputs, &j.Outputs, &j.SlurmOutputs, &j.Claims} {
		*l = mapList(*l, f)
	}
	if j.InputIDs != nil {
		m := make(map[string]string, len(j.InputIDs))
		for k, v := range j.InputIDs {
			m[f(k)] = f(v)
		}
		j.InputIDs = m
	}
}

func mapList(l []string, f func(string) string) []string {
	if l == nil {
		return nil
	}
	out := make([]string, len(l))
	for i, s := range l {
		out[i] = f(s)
	}
	return out
}

// quoteMark is how JSON prints the mark of QuoteBytes.
const quoteMark = `\u0000`

// QuoteBytes carries strings that are not UTF-8, which JSON cannot. The NUL in
// front marks them; no path has one.
func QuoteBytes(s string) string {
	if utf8.ValidString(s) && !strings.HasPrefix(s, "\x00") {
		return s
	}
	return "\x00" + base64.StdEncoding.EncodeToString([]byte(s))
}

// UnquoteBytes is the inverse of QuoteBytes.
func UnquoteBytes(s string) string {
	if !strings.HasPrefix(s, "\x00") {
		return s
	}
	b, err := base64.StdEncoding.DecodeString(s[1:])
	if err != nil {
		return s
	}
	return string(b)
}
