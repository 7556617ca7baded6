package sweep

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/iospec"
	"github.com/stemma-data/stemma/internal/jobs/jobpath"
	"github.com/stemma-data/stemma/internal/jobs/jobrec"
	"github.com/stemma-data/stemma/internal/jobs/jobspec"
	"github.com/stemma-data/stemma/internal/jobs/schedule"
	"github.com/stemma-data/stemma/internal/pyfmt"
)

// claimOf is an output of a row.
type claimOf struct {
	path string
	row  int
}

// check reads the whole table and refuses it where a row cannot be meant.
func (sw *sweep) check(ctx context.Context) error {
	if strings.TrimSpace(sw.opt.Cmd) == "" {
		return errors.New("No command given") //nolint:staticcheck // DataLad's text
	}
	b, err := sw.newBatch(ctx)
	if err != nil {
		return err
	}
	defer b.Close()
	subst := jobspec.Substitutions(sw.d)
	var claims, needs []claimOf
	for {
		row, err := sw.table.next()
		if err == io.EOF {
			break
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		c, err := sw.checkRow(ctx, row, b, subst)
		if err != nil {
			return sw.explain(row, err)
		}
		for _, p := range c.Claims() {
			claims = append(claims, claimOf{p, row.number})
		}
		for _, p := range c.Needs() {
			needs = append(needs, claimOf{p, row.number})
		}
	}
	if sw.table.row == 0 {
		return errs.WithHint(sw.table.fail(0, errors.New("it has no rows")), "each line below the header is one job")
	}
	sw.progress = Progress{Checked: true, Rows: sw.table.row}
	if sw.opt.NoCheck || sw.opt.Isolated != "" {
		return nil
	}
	if err := sw.overlaps(claims); err != nil {
		return err
	}
	return sw.cycle(claims, needs)
}

// checkRow works out the inputs and the claims of a row. The first row stands
// for all where the command and its placeholders are concerned.
func (sw *sweep) checkRow(ctx context.Context, row sweepRow, b *rowBatch, subst map[string]string) (*schedule.Job, error) {
	c, err := sw.job(row, b)
	if err != nil {
		return nil, err
	}
	if row.number == 1 {
		return c, c.Plan(ctx)
	}
	return c, c.PlanClaims(ctx, subst)
}

// explain says in which row an error was found, and which columns there are.
func (sw *sweep) explain(row sweepRow, err error) error {
	hint := errs.Hint(err)
	var unknown *iospec.PlaceholderError
	var key *pyfmt.KeyError
	if errors.As(err, &unknown) && errors.As(err, &key) {
		hint = "the columns of the table are " + strings.Join(sw.table.columns, ", ")
	}
	err = sw.table.fail(row.number, err)
	if hint == "" {
		return err
	}
	return errs.WithHint(err, "%s", hint)
}

// overlaps returns an error if two rows have outputs that are equal, or lie in
// one another.
func (sw *sweep) overlaps(claims []claimOf) error {
	// With the slash as the least character, all that lies in a folder follows it.
	slices.SortFunc(claims, func(a, b claimOf) int {
		if n := comparePaths(a.path, b.path); n != 0 {
			return n
		}
		return a.row - b.row
	})
	var first *claimOf
	var other claimOf
	count := 0
	for i := 1; i < len(claims); i++ {
		up, c := claims[i-1], claims[i]
		if up.row == c.row || !jobpath.Within(c.path, up.path) {
			continue
		}
		if count++; first == nil || c.row < first.row {
			first, other = &claims[i], up
		}
	}
	if first == nil {
		return nil
	}
	err := fmt.Errorf("output %s is claimed by row %d", first.path, other.row)
	if first.path != other.path {
		err = fmt.Errorf("output %s conflicts with %s of row %d", first.path, other.path, other.row)
	}
	if count > 1 {
		err = fmt.Errorf("%w; %d more rows have such conflicts", err, count-1)
	}
	return errs.WithHint(sw.table.fail(first.row, err), "put a column or {%s} into the outputs, as in -o 'out/{%s}'", jobrec.RowColumn, sw.table.columns[0])
}

// comparePaths sorts "a", "a/b", "a.b", unlike strings.Compare.
func comparePaths(a, b string) int {
	for i := range min(len(a), len(b)) {
		switch {
		case a[i] == b[i]:
		case a[i] == '/':
			return -1
		case b[i] == '/':
			return 1
		default:
			return int(a[i]) - int(b[i])
		}
	}
	return len(a) - len(b)
}
