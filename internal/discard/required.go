package discard

import (
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/stemma-data/stemma/internal/annexcmd"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/dataset"
)

// required knows which content this repository must keep, whoever else has it.
type required struct {
	mu      sync.Mutex
	session *annexcmd.Session
	here    string
}

// readRequired returns nil where nothing is required.
func readRequired(ctx context.Context, d *dataset.Dataset, logs *dataset.BranchLogs) (*required, error) {
	data, err := logs.Read(ctx, annexlog.RequiredContentFile)
	if err != nil {
		return nil, err
	}
	e, ok := annexlog.ParseUUIDLog(data).Get(d.Annex.UUID)
	if !ok || strings.TrimSpace(e.Value) == "" {
		return nil, nil
	}
	session, err := annexcmd.Open(ctx, d, annexcmd.Settings{})
	return &required{session: session, here: d.Annex.UUID}, err
}

// check says why the content of a file must stay, in git-annex's words.
func (r *required) check(ctx context.Context, f annexedFile) error {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	why, err := r.session.Required(ctx, annexcmd.File{Rel: f.rel, Key: f.key}, r.here)
	if err != nil || why == "" {
		return err
	}
	return &requiredError{why}
}

// explain is a key's failure as it concerns one of its files.
func (p *proofs) explain(ctx context.Context, f annexedFile, failure error) error {
	var kept *requiredError
	if errors.As(failure, &kept) {
		if err := p.required.check(ctx, f); err != nil {
			return err
		}
	}
	return failure
}

// requiredError says why content must stay.
type requiredError struct{ why string }

// Error is git-annex's text, with DataLad's name of the option.
func (e *requiredError) Error() string { return e.joined("; ") }

func (e *requiredError) joined(by string) string {
	return e.why + by + "(Use --reckless availability to override this check, or adjust required content configuration.)"
}
