package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/jobs"
)

type pruneOptions struct {
	dataset string
	before  ageOrDate
}

func newJobsPrune(a *app) *cobra.Command {
	var o pruneOptions
	cmd := &cobra.Command{
		Use:   "prune [OPTIONS] --before AGE|DATE",
		Short: "Delete the records of past jobs",
		Long: "Deletes the records of jobs that were closed before a time, which `jobs` lists.\n" +
			"Open jobs stay, and so do all commits with what they say of their jobs.",
		Example: "  stemma jobs prune --before 90d\n  stemma jobs prune --before 2026-01-31",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.prune(cmd.Context(), o) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.dataset, "dataset", "d", "", datasetHelp)
	f.Var(&o.before, "before", "`AGE|DATE`, such as 12h, 30d, 2026-01-31")
	return cmd
}

func (a *app) prune(ctx context.Context, o pruneOptions) error {
	if o.before.value.IsZero() {
		return &misuse{errs.WithExit(errors.New("too few arguments: --before AGE|DATE is missing"), errs.ExitUsage)}
	}
	d, err := a.open(ctx, o.dataset, "prune jobs")
	if err != nil {
		return err
	}
	n, err := jobs.Prune(ctx, d, o.before.value)
	if err != nil {
		return err
	}
	if a.machine() {
		_, err = fmt.Fprintf(a.stdout, "{\"action\": \"prune\", \"status\": \"ok\", \"pruned\": %d}\n", n)
		return err
	}
	_, err = fmt.Fprintf(a.stdout, "deleted the records of %d jobs that were closed before %s\n", n, o.before.String())
	return err
}

// ageOrDate is an option that names a time in the past: an age before now, or a
// date (local midnight), or a time of RFC 3339.
type ageOrDate struct{ value time.Time }

func (t *ageOrDate) String() string {
	if t.value.IsZero() {
		return ""
	}
	return since(t.value)
}

func (t *ageOrDate) Type() string { return "TIME" }

// ageUnits are the letters behind the number of an age.
var ageUnits = map[string]time.Duration{
	"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour, "y": 365 * 24 * time.Hour,
}

// maxAge keeps ages within what a duration holds, in seconds.
const maxAge = 100 * 365 * 24 * 3600

// Set reads an age such as 30d, or a date.
func (t *ageOrDate) Set(text string) error {
	for _, layout := range []string{time.DateOnly, time.DateTime, time.RFC3339} {
		if at, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			t.value = at
			return nil
		}
	}
	if n := len(text) - 1; n > 0 {
		unit, ok := ageUnits[strings.ToLower(text[n:])]
		count, err := strconv.Atoi(text[:n])
		if ok && err == nil && count >= 0 && count <= maxAge/int(unit/time.Second) {
			t.value = time.Now().Add(-time.Duration(count) * unit)
			return nil
		}
	}
	return fmt.Errorf("'%s' is neither an age (12h, 30d, 4w) nor a date (2026-01-31)", text)
}
