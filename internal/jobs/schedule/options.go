package schedule

import (
	"io"

	"github.com/stemma-data/stemma/internal/jobs/jobrec"
	"github.com/stemma-data/stemma/internal/jobs/killpoint"
)

// Options are the options of schedule. Paths are as the user wrote
// them, relative to the user's folder.
type Options struct {
	Cmd         string // the submission line; see runrec.NormalizeCommand
	Inputs      []string
	ExtraInputs []string
	Container   *jobrec.Container // in which Cmd runs already; nil: none
	Outputs     []string
	Message     string // "" for none
	Expand      string // "", "inputs", "outputs" or "both": what is recorded expanded
	AssumeReady string // "", "inputs", "outputs" or "both": what is not prepared
	NoCheck     bool   // --check-outputs no: conflicts are accepted
	// NoAutoDependency refuses inputs that an open job will make, where the job
	// would else be made to wait for that one.
	NoAutoDependency bool
	DryRun           string // "", "basic" or "command": nothing is done
	AltDir           string // folder to run in instead of the dataset, or ""
	Isolated         string // folder that holds a folder for the job, with its inputs as they are committed, or ""
	Anonymous        bool   // hosts, accounts and absolute paths stay out of the record
	Jobs             int    // parallel transfers; 0: the default
	AutoFinish       string // the program that commits the results when the job is over, in a small job of its own; "": none

	Stdin  io.Reader // of the submission line; pass an *os.File on as it is
	Stderr io.Writer // shows the line's messages as they come; nil: nobody

	Step killpoint.Steps // tests
}

func either(value, one string) bool { return value == one || value == "both" }
