package cli

import (
	"strings"

	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/run"
)

// dryRunText shows the record of a --dry-run to people; other records have
// their generic line.
func dryRunText(r result.Record, mode string) (string, bool) {
	if !strings.HasSuffix(r.Action, "[dry-run]") {
		return "", false
	}
	if info, ok := r.Fields["dry_slurm_run_info"]; ok {
		r = r.With("dry_run_info", info).With("run_info", r.Fields["slurm_run_info"])
	}
	return strings.TrimSuffix(run.DryRunText(r, mode), "\n"), true
}
