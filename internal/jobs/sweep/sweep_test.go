package sweep_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/jobs/jobrec"
	"github.com/stemma-data/stemma/internal/jobs/jobstest"
	"github.com/stemma-data/stemma/internal/jobs/schedule"
	"github.com/stemma-data/stemma/internal/jobs/sweep"
	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/result"
)

func TestSweepFillsInEverywhere(t *testing.T) {
	b := jobstest.New(t)
	var seen []sweep.Progress
	opt := sweep.Options{Progress: func(p sweep.Progress) { seen = append(seen, p) }}
	opt.Cmd, opt.Inputs, opt.Outputs = "sbatch job.sh {n} {odd} {{x}} {inputs} # {row}", []string{"{file}"}, []string{"o/{n}", "{row}.dat"}
	opt.Message = "run {n}, {{literally}}"
	lines, err := b.Sweep("n,odd,file\n1,a b,in.txt\n\"2\",{$x},job.sh\n", opt)
	jobstest.Must(t, err)
	if len(lines) != 2 || !strings.HasPrefix(lines[0], "ok 1 ") || !strings.HasPrefix(lines[1], "ok 2 ") {
		t.Fatalf("records: %q", lines)
	}
	list := b.Jobs()
	if len(list) != 2 {
		t.Fatalf("%d jobs", len(list))
	}
	j := list[1]
	got := fmt.Sprintf("%s|%s|%s|%s|%s|%s", j.Cmd, j.Expanded, j.Inputs, j.Outputs, j.Message, j.State)
	want := "sbatch job.sh 2 '{{$x}}' {{x}} {inputs} # 2|sbatch job.sh 2 '{$x}' {x} job.sh # 2|[job.sh]|[./o/2 ./2.dat]|run 2, {literally}|open"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if p := jobrec.Of(&j).Sweep; p == nil || p.Row != 2 || p.Values["odd"] != "{$x}" {
		t.Errorf("the row is not recorded: %+v", p)
	}
	if last := seen[len(seen)-1]; last != (sweep.Progress{true, 2, 2, 0}) {
		t.Errorf("progress ends with %+v", last)
	}
}

func TestSweepRefusesTables(t *testing.T) {
	b := jobstest.New(t)
	for _, c := range []struct{ name, table, output, want string }{
		{"empty", "", "o", "it is empty"},
		{"no rows", "a,b\n", "o", "it has no rows"},
		{"short row", "a,b\n1,2\n3\n", "{a}", "row 2: line 3 has 1 column(s), the header names 2"},
		{"long row", "a,b\n1,2,3\n", "{a}", "row 1: line 2 has 3 column(s), the header names 2"},
		{"reserved", "a,pwd\n1,2\n", "{a}", `"pwd" has a meaning of its own`},
		{"row", "row\n1\n", "{row}", `"row" has a meaning of its own`},
		{"twice", "a,a\n1,2\n", "{a}", `two columns are named "a"`},
		{"unnamed", "a,\n1,2\n", "{a}", "column 2 has no name"},
		{"no header", "1,2\n3,4\n", "o", `"1" is a number`},
		{"brace", "a{b\n1\n", "o", "a character that a placeholder cannot have"},
		{"missing column", "a\n1\n", "{b}", "unrecognized placeholder: 'b'"},
		{"same output", "a\n1\n2\n1\n", "o/{a}", "row 3: output o/1 is claimed by row 1"},
		{"output in output", "a\nx/y\nz\nx\n", "{a}", "row 1: output x/y conflicts with x of row 3"},
		{"many", "a\n1\n1\n1\n", "{a}", "1 more rows have such conflicts"},
		{"out of the dataset", "a\n../../x\n", "{a}", "not underneath"},
		{"quote", "a\n\"x\ny\n", "{a}", "row 1"},
		{"huge", "a\n\"" + strings.Repeat("x", 3<<20) + "\n", "{a}", "is a quote not closed?"},
		{"utf-16", "\xff\xfea\x00\n\x00", "o", "UTF-16"},
		{"nul", "a\nx\x00y\n", "{a}", "NUL"},
	} {
		t.Run(c.name, func(t *testing.T) {
			opt := sweep.Options{}
			opt.Cmd, opt.Outputs = "sbatch job.sh", []string{c.output}
			lines, err := b.Sweep(c.table, opt)
			jobstest.WantErr(t, err, c.want)
			if len(lines) > 0 {
				t.Errorf("records: %q", lines)
			}
		})
	}
	if n := b.S.Count(t); n != 0 {
		t.Errorf("%d jobs were submitted", n)
	}
}

func TestSweepGoesOnAndIsCompleted(t *testing.T) {
	b := jobstest.New(t)
	b.Submit(schedule.Options{Outputs: []string{"o/2"}})
	opt := sweep.Options{}
	opt.Inputs, opt.Outputs = []string{"{in}"}, []string{"o/{n}"}
	table := "n,in\n1,in.txt\n2,in.txt\n3,later.txt\n4,in.txt\n"
	lines, err := b.Sweep(table, opt)
	jobstest.Must(t, err)
	text := strings.Join(lines, "\n")
	for _, want := range []string{"impossible 2 row 2: output o/2 is already claimed by job 101", "impossible 3 row 3: Input did not match existing file: later.txt", "ok 1 ", "ok 4 "} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	b.Write("later.txt", "x")
	lines, err = b.Sweep(table, opt)
	jobstest.Must(t, err)
	text = strings.Join(lines, "\n")
	for _, want := range []string{"notneeded 1 row 1 is scheduled already as job", "impossible 2 row 2", "ok 3 ", "notneeded 4"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if n := b.S.Count(t); n != 4 {
		t.Errorf("%d jobs, want 4", n)
	}
}

func TestSweepStops(t *testing.T) {
	b := jobstest.New(t)
	b.Mode("fail")
	var table strings.Builder
	table.WriteString("n\n")
	for i := range 40 {
		fmt.Fprintln(&table, i)
	}
	opt := sweep.Options{}
	opt.Outputs, opt.Jobs, opt.Cmd = []string{"o/{n}"}, 1, "sbatch {n}"
	opt.Table = filepath.Join(t.TempDir(), "t.tsv")
	jobstest.Must(t, os.WriteFile(opt.Table, []byte(table.String()), 0o644))
	failed := 0
	err := sweep.Run(t.Context(), b.D, b.S, opt, result.SinkFunc(func(result.Record) error {
		failed++
		return result.ErrStop
	}))
	if !errors.Is(err, result.ErrStop) || failed != 1 {
		t.Errorf("%v after %d failures", err, failed)
	}
	if strings.Contains(b.States(), "open") || strings.Contains(b.States(), "submitting") {
		t.Errorf("claims are left: %s", b.States())
	}
}

// A killed sweep loses nothing: the same command adopts what was submitted and
// submits the rest, once each.
func TestSweepKilled(t *testing.T) {
	for _, kill := range []string{"sweep claimed", "claimed", "submitted", "described", "recorded"} {
		t.Run(kill, func(t *testing.T) {
			b := jobstest.New(t)
			table := filepath.Join(t.TempDir(), "t.csv")
			var text strings.Builder
			text.WriteString("n\n")
			for i := range 10 {
				fmt.Fprintln(&text, i)
			}
			jobstest.Must(t, os.WriteFile(table, []byte(text.String()), 0o644))
			spec := jobstest.Command{Cmd: "sbatch job.sh {n}", Outputs: []string{"o/{n}"}, Sweep: table, Kill: kill}
			if out, err := b.Run(spec); err == nil {
				t.Fatalf("not killed: %s", out)
			}
			spec.Kill = ""
			if out, err := b.Run(spec); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			open := 0
			for _, j := range b.Jobs() {
				if j.State == ledger.StateOpen {
					open++
				} else if j.State != ledger.StateClosed {
					t.Errorf("row #%d is %s", j.ID, j.State)
				}
			}
			if n := b.S.Count(t); open != 10 || n != 10 {
				t.Errorf("%d jobs are open, %d were submitted, want 10", open, n)
			}
		})
	}
}

// The ledger is written a few times for all rows, not for each.
func TestSweepTouchesLedgerInBatches(t *testing.T) {
	b := jobstest.New(t)
	var text strings.Builder
	text.WriteString("n\n")
	for i := range 70 {
		fmt.Fprintln(&text, i)
	}
	leases := 0
	opt := sweep.Options{}
	opt.Outputs = []string{"o/{n}"}
	opt.Step = func(name string) {
		if name == "sweep stored" || name == "sweep claimed" {
			leases++
		}
	}
	lines, err := b.Sweep(text.String(), opt)
	jobstest.Must(t, err)
	if len(lines) != 70 || leases != 1+2 {
		t.Errorf("%d records, %d transactions for 70 rows; want 3", len(lines), leases)
	}
}

// A table of 100,000 rows is checked in memory that grows with its outputs
// only.
func TestSweepHugeTable(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a second")
	}
	b := jobstest.New(t)
	var text strings.Builder
	text.WriteString("n,note\n")
	for i := range 100_000 {
		fmt.Fprintf(&text, "%d,%s\n", i, strings.Repeat("x", 100))
	}
	fmt.Fprintln(&text, "77,duplicate")
	opt := sweep.Options{}
	opt.Outputs = []string{"out/{n}/result.txt", "log/{n}.txt"}
	peak := jobstest.WatchHeap(t)
	_, err := b.Sweep(text.String(), opt)
	t.Logf("heap at most %d MB", peak()>>20)
	jobstest.WantErr(t, err, "row 100001: output", "by row 78", "1 more rows")
}

// An interrupt ends the lines under way, gives the other claims back, and the
// same command completes the sweep.
func TestSweepInterrupted(t *testing.T) {
	b := jobstest.New(t)
	table := filepath.Join(t.TempDir(), "t.csv")
	jobstest.Must(t, os.WriteFile(table, []byte("n\n1\n2\n3\n4\n5\n6\n"), 0o644))
	ctx, cancel := context.WithCancel(t.Context())
	opt := sweep.Options{Table: table, Progress: func(p sweep.Progress) {
		if p.Done == 2 {
			cancel()
		}
	}}
	opt.Cmd, opt.Outputs, opt.Jobs = "sbatch job.sh {n}", []string{"o/{n}"}, 1
	if err := sweep.Run(ctx, b.D, b.S, opt, result.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if got := b.States(); strings.Count(got, "open:") != 2 || strings.Count(got, "closed:released") != 4 {
		t.Errorf("states %s", got)
	}
	opt.Progress = nil
	jobstest.Must(t, sweep.Run(t.Context(), b.D, b.S, opt, result.Discard))
	if n := b.S.Count(t); n != 6 {
		t.Errorf("%d jobs, want 6", n)
	}
}
