// Package commit is the one path by which results become history: objects are
// made durable, then the branch and the git-annex branch move together, then
// the index follows, so that a kill at any moment loses nothing and a repeated
// command completes the work. save, run and finish all publish through it.
// It does not decide what belongs into a commit.
package commit

import (
	"context"
	"fmt"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// File is one change of a commit's tree and of the index.
type File struct {
	Path   string // relative to the top, slash separated
	Remove bool
	Mode   gitobj.Mode
	OID    gitobj.OID // of an object that git has; or else
	Data   []byte     // the blob's content; or else
	Source string     // a file to read the content from, absolute
	Size   int64      // of Source, in bytes
	// Stat is the state of the work tree file that the blob was made from;
	// the zero Stat makes git compare contents once.
	Stat gitindex.Stat
}

// Commit is one commit to make.
type Commit struct {
	Message string // passed through git's default cleanup already
	Files   []File
	// AllowEmpty makes the commit even if its tree equals the parent's.
	AllowEmpty bool
	// Parents, if given, replace the branch tip as parents, in this order; the
	// last one must be the tip, and gives the tree.
	Parents []gitobj.OID
	// Amend replaces the commit Onto of the request, which must be the tip:
	// its parents and author stay, and its message where Message is "".
	Amend bool
	// Tag names the commit to Publisher.Closer; 0 is not reported.
	Tag int64
}

// Shape says how the commits of a request hang together.
type Shape int

// The shapes of history that finish offers.
const (
	Chain    Shape = iota // one after the other on the branch
	Branches              // each on a branch of its own, from the tip
	Octopus               // each from the tip, then one merge of all on the branch
)

// Request is a batch that is published as a whole.
type Request struct {
	Commits []Commit
	Shape   Shape
	// BranchOf names the branch of commit i for Branches (full ref name).
	BranchOf func(i int) string
	// MergeMessage is the message of the Octopus merge.
	MergeMessage string
	// Logs are edits of the git-annex branch.
	Logs []annex.LogEdit
	// LogsOn is the commit that the git-annex branch begins with where there is
	// none; "": origin's, if it has one.
	LogsOn gitobj.OID
	// Reason goes into the reflogs ("stemma finish: job 12").
	Reason string
	// Hooks runs the user's commit hooks and signs the commit if git is
	// configured so; only for requests of one commit.
	Hooks bool
	// OnBranch, if not empty, is the branch (full ref) that must be checked
	// out; another one is a *WrongBranchError.
	OnBranch string
	// Onto, if not empty, must still be the tip: a *MovedError otherwise.
	Onto gitobj.OID
	// Confirm, if not nil, is asked under the lease, before anything is
	// published, whether all commits are still wanted. A *DropError leaves some
	// out; any other error ends the request. It may take files out of commits,
	// and must not take the lease.
	Confirm func(ctx context.Context) error
}

// DropError names commits of a request that are no longer wanted.
type DropError struct{ Commits []int }

func (e *DropError) Error() string {
	return fmt.Sprintf("%d commit(s) are no longer wanted", len(e.Commits))
}

// WrongBranchError says that another branch is checked out than the one the
// work belongs to.
type WrongBranchError struct{ Want, Have string }

func (e *WrongBranchError) Error() string {
	return fmt.Sprintf("the work belongs to branch %s, but %s is checked out", e.Want, e.Have)
}

// Result tells what was published.
type Result struct {
	Commits []gitobj.OID // per commit of the request; "" where none was needed, or it was dropped
	Changed []bool       // whether the tree changed, per commit
	Tip     gitobj.OID   // the branch afterwards
}
