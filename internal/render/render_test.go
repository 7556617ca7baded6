package render

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/result"
)

const ds = "/W/ds1"

func rec(action string, status result.Status, path, typ string) result.Record {
	return result.New(action, status, path, typ).Ref(ds)
}

// output renders records and returns what was printed and the exit code.
func output(t *testing.T, format string, opt Options, recs ...result.Record) (string, int) {
	t.Helper()
	var b bytes.Buffer
	r, err := New(&b, format, opt)
	if err != nil {
		t.Fatal(err)
	}
	for _, rec := range recs {
		if err := r.Emit(rec); errors.Is(err, result.ErrStop) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Finish(); err != nil {
		t.Fatal(err)
	}
	return b.String(), r.ExitCode()
}

func TestFormats(t *testing.T) {
	save := []result.Record{
		rec("delete", result.OK, ds+"/a.txt", result.Symlink),
		rec("add", result.OK, ds+"/sub/d/b.dat", result.File).With("key", nil).Msg(""),
		rec("save", result.OK, ds, result.Dataset),
	}
	get := result.New("get", result.NotNeeded, "/W/cl2/dir", result.Dir).Ref("/W/cl2").
		With("message", result.Tuple{"nothing to get from %s", "/W/cl2/dir"})
	run := result.New("run", result.OK, "/W/rds", result.Dataset).With("exit_code", 0).Msg("echo ü > out.txt").
		With("run_info", map[string]any{"inputs": []string{"a b", "c"}, "x:y": 5, "chain": []any{}})
	tests := []struct {
		name, format string
		recs         []result.Record
		want         string
	}{
		{"generic", "generic", save, "delete(ok): a.txt (symlink)\nadd(ok): sub/d/b.dat (file)\nsave(ok): . (dataset)\n" +
			"action summary:\n  add (ok: 1)\n  delete (ok: 1)\n  save (ok: 1)\n"},
		{"tailored without tailor", "tailored", save[2:], "save(ok): . (dataset)\n"},
		{"default", "default", save[2:], "save(ok): . (dataset)\n"},
		{"no reference dataset", "generic", []result.Record{run}, "run(ok): /W/rds (dataset) [echo ü > out.txt]\n"},
		{"notneeded counts", "generic", []result.Record{get, save[2]},
			"save(ok): . (dataset)\naction summary:\n  get (notneeded: 1)\n  save (ok: 1)\n"},
		{"statuses sorted", "generic", []result.Record{
			rec("save", result.OK, ds+"/s", result.Dataset), rec("save", result.NotNeeded, ds, result.Dataset)},
			"save(ok): s (dataset)\naction summary:\n  save (notneeded: 1, ok: 1)\n"},
		{"no path", "generic", []result.Record{result.New("slurm-finish", result.Error, "", "").Msg("gone")}, "slurm-finish(error): [gone]\n"},
		{"above the dataset", "generic", []result.Record{rec("status", result.Error, "/W/x", "").Msg("path not underneath")},
			"status(error): ../x [path not underneath]\n"},
		{"error message", "generic", []result.Record{rec("get", result.Error, ds+"/f", result.File).Msg("a").With("error_message", "b")},
			"get(error): f (file) [a] [b]\n"},
		{"error message of a success", "generic", []result.Record{rec("get", result.OK, ds+"/f", result.File).With("error_message", "b")},
			"get(ok): f (file)\n"},
		{"tuple", "generic", []result.Record{rec("update", result.OK, ds, result.Dataset).With("message", result.Tuple{"Merged %s", "origin/master"})},
			"update(ok): . (dataset) [Merged origin/master]\n"},
		{"tuple that does not fit", "generic", []result.Record{rec("x", result.OK, ds, "").With("message", result.Tuple{"Merged %s %s", "m"})},
			"x(ok): . [Merged %s %s ['m']]\n"},
		{"json", "json", []result.Record{get},
			`{"action": "get", "message": ["nothing to get from %s", "/W/cl2/dir"], "path": "/W/cl2/dir", "refds": "/W/cl2", "status": "notneeded", "type": "directory"}` + "\n"},
		{"json null and empty", "json", save[1:2],
			`{"action": "add", "key": null, "message": "", "path": "/W/ds1/sub/d/b.dat", "refds": "/W/ds1", "status": "ok", "type": "file"}` + "\n"},
		{"json escapes", "json", []result.Record{result.New("a", result.OK, "/W/ü", "")}, `{"action": "a", "path": "/W/\u00fc", "status": "ok"}` + "\n"},
		{"json_pp", "json_pp", []result.Record{result.New("a", result.OK, "/W/ü", "")},
			"{\n  \"action\": \"a\",\n  \"path\": \"/W/\\u00fc\",\n  \"status\": \"ok\"\n}\n"},
		{"disabled", "disabled", save, ""},
		{"template", "{action}: {path}|{nope}|{nope[x][y]}|{refds}", save[:1], "delete: /W/ds1/a.txt|N/A|N/A|/W/ds1\n"},
		{"template nested", "{run_info[inputs]} {run_info[inputs][0]} {run_info[x#y]} {run_info[z]} {{}}", []result.Record{run}, "['a b', 'c'] a b 5 N/A {}\n"},
		{"template width", "[{nope:>5}] [{action:<6}]", save[:1], "[  N/A] [delete]\n"},
		{"without action", "json", []result.Record{{Status: result.OK, Path: "/x"}}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, _ := output(t, tt.format, Options{}, tt.recs...)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestUnknownFormatOrPolicy(t *testing.T) {
	_, err := New(nil, "xml", Options{})
	if err == nil || err.Error() != `unknown result renderer "xml"` || errs.Hint(err) == "" || errs.ExitCode(err) != 1 {
		t.Errorf("err = %v", err)
	}
	if _, err := New(nil, "json", Options{OnFailure: "panic"}); errs.ExitCode(err) != 2 {
		t.Errorf("err = %v", err)
	}
}

func TestExitCodeAndPolicy(t *testing.T) {
	ok := rec("a", result.OK, ds, "").With("exit_code", 9)
	plain := rec("b", result.Impossible, ds, "")
	coded := rec("c", result.Error, ds, "").With("exit_code", 7)
	later := rec("d", result.Error, ds, "").With("exit_code", 5)
	huge := rec("e", result.Error, ds, "").With("exit_code", 512)
	signal := rec("f", result.Error, ds, "").With("exit_code", -9)
	tests := []struct {
		policy OnFailure
		recs   []result.Record
		code   int
		lines  int
	}{
		{"", []result.Record{ok}, 0, 1},
		{Continue, []result.Record{plain, ok}, 1, 2},
		{Continue, []result.Record{plain, coded, later}, 7, 3},
		{Ignore, []result.Record{coded, plain}, 0, 2},
		{Stop, []result.Record{ok, coded, later}, 7, 2},
		{Stop, []result.Record{plain, coded}, 1, 1},
		{Continue, []result.Record{huge}, 1, 1},
		{Continue, []result.Record{signal}, 1, 1},
	}
	for _, tt := range tests {
		out, code := output(t, "json", Options{OnFailure: tt.policy}, tt.recs...)
		if code != tt.code || strings.Count(out, "\n") != tt.lines {
			t.Errorf("%q: code %d, want %d; output %q", tt.policy, code, tt.code, out)
		}
	}
}

func TestReportFiltersShowButDoNotExcuse(t *testing.T) {
	recs := []result.Record{
		rec("add", result.OK, ds+"/f", result.File), rec("add", result.Error, ds+"/g", result.File),
		rec("save", result.NotNeeded, ds, result.Dataset),
	}
	got, code := output(t, "generic", Options{ReportStatus: []string{"success"}}, recs...)
	if want := "add(ok): f (file)\naction summary:\n  add (ok: 1)\n  save (notneeded: 1)\n"; got != want || code != 1 {
		t.Errorf("success: code %d, %q", code, got)
	}
	if got, _ := output(t, "json", Options{ReportStatus: []string{"failure"}, ReportType: []string{"dataset"}}, recs...); got != "" {
		t.Errorf("failure of datasets: %q", got)
	}
}

func TestSimilarLinesAreHeldBack(t *testing.T) {
	var recs []result.Record
	for i := range 15 {
		recs = append(recs, rec("add", result.OK, fmt.Sprintf("%s/%02d", ds, i), result.File))
	}
	recs = append(recs, rec("save", result.OK, ds, result.Dataset))
	for i := range 11 {
		recs = append(recs, rec("add", result.OK, fmt.Sprintf("%s/x%02d", ds, i), result.File))
	}
	got, _ := output(t, "generic", Options{TTY: true, SimilarThreshold: 10}, recs...)
	lines := strings.Split(got, "\n")
	note := func(n string) string {
		return "  [" + n + " been suppressed; disable with datalad.ui.suppress-similar-results=off]"
	}
	want := map[int]string{9: "add(ok): 09 (file)", 10: note("5 similar messages have"), 11: "save(ok): . (dataset)",
		21: "add(ok): x09 (file)", 22: note("1 similar message has"), 23: "action summary:", 24: "  add (ok: 26)"}
	for i, line := range want {
		if i >= len(lines) || lines[i] != line {
			t.Fatalf("line %d is not %q:\n%s", i, line, got)
		}
	}
	if got, _ := output(t, "generic", Options{}, recs...); strings.Contains(got, "similar") {
		t.Error("held back without a threshold")
	}
}

func TestTailored(t *testing.T) {
	recs := []result.Record{rec("status", result.OK, ds+"/a", result.File).With("state", "untracked"),
		rec("status", result.OK, ds+"/b", result.File).With("state", "clean"), rec("other", result.OK, ds, "")}
	tailored := &Tailored{
		Line: func(r result.Record) (string, bool) {
			switch r.String("state") {
			case "":
				return "", false
			case "clean":
				return "", true
			}
			return fmt.Sprintf("%9s: %s (%s)", r.String("state"), RelPath(r), r.Type), true
		},
		End: func() string { return "the end" },
	}
	if got, _ := output(t, "tailored", Options{Tailored: tailored}, recs...); got != "untracked: a (file)\nother(ok): .\nthe end\n" {
		t.Errorf("tailored: %q", got)
	}
	if got, _ := output(t, "generic", Options{Tailored: tailored}, recs[:1]...); got != "status(ok): a (file)\nthe end\n" {
		t.Errorf("generic: %q", got)
	}
	always := &Tailored{Summary: SummaryAlways}
	if got, _ := output(t, "tailored", Options{Tailored: always}, recs[2]); got != "other(ok): .\naction summary:\n  other (ok: 1)\n" {
		t.Errorf("always: %q", got)
	}
}

func TestTerminal(t *testing.T) {
	r := rec("add", result.Error, ds+"/a\x1b[2Jb\n", result.File).Msg("two\nlines\x07").With("error_message", "no")
	got, _ := output(t, "generic", Options{TTY: true}, r)
	if want := "add(error): a\\x1b[2Jb\\x0a (file) [two\nlines\\x07] [no]\n"; got != want {
		t.Errorf("terminal: %q", got)
	}
	own := &Tailored{Line: func(r result.Record) (string, bool) { return RelPath(r) + " " + r.String("spec"), true }}
	got, _ = output(t, "tailored", Options{TTY: true, Tailored: own}, r.With("spec", "x\x1b[A"))
	if want := "a\\x1b[2Jb\\x0a x\\x1b[A\n"; got != want {
		t.Errorf("terminal, own text: %q", got)
	}
	got, _ = output(t, "generic", Options{Color: true}, rec("add", result.Error, ds+"/a", result.File).With("error_message", "no"))
	want := "\x1b[1;1madd\x1b[0m(\x1b[1;31merror\x1b[0m): a (\x1b[1;35mfile\x1b[0m)\x1b[1;31m [no]\x1b[0m\n"
	if got != want {
		t.Errorf("colours: %q, want %q", got, want)
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("pipe closed") }

func TestWriteErrorsEndTheOperation(t *testing.T) {
	r, err := New(failing{}, "json", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Emit(rec("a", result.OK, ds, "")); err == nil || !strings.Contains(err.Error(), "pipe closed") {
		t.Errorf("err = %v", err)
	}
}

func TestLog(t *testing.T) {
	var b bytes.Buffer
	log := slog.New(NewLogHandler(&b, slog.LevelInfo, false))
	log.Debug("hidden")
	log.Info("Attempting a clone into /W/x\x1b[2J")
	log.Warn("two\nlines", "path", "a b")
	log.With("job", 3).WithGroup("g").Error("no", "n", 1)
	log.Log(context.Background(), LevelCritical, "end")
	want := "[INFO] Attempting a clone into /W/x\\x1b[2J \n[WARNING] two\n| lines path=\"a b\" \n[ERROR] no job=3 g.n=1 \n[CRITICAL] end \n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	b.Reset()
	h := NewLogHandler(&b, slog.LevelDebug-9, true)
	for _, l := range []slog.Level{slog.LevelError, slog.LevelInfo, slog.LevelDebug - 5} {
		if err := h.Handle(context.Background(), slog.NewRecord(time.Time{}, l, "x", 0)); err != nil {
			t.Fatal(err)
		}
	}
	if want := "[\x1b[1;31mERROR  \x1b[0m] x \n[INFO   ] x \n[\x1b[1;34mLevel 5\x1b[0m] x \n"; b.String() != want {
		t.Errorf("colours: %q", b.String())
	}
}

func TestParseLevel(t *testing.T) {
	for _, name := range []string{"CRITICAL", "ERROR", "WARNING", "INFO", "DEBUG", "9", "1"} {
		l, err := ParseLevel(strings.ToLower(name))
		if err != nil || strings.TrimPrefix(levelName(l), "Level ") != name {
			t.Errorf("%s: %v %s", name, err, levelName(l))
		}
	}
	for _, bad := range []string{"", "0", "10", "loud"} {
		if _, err := ParseLevel(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func FuzzTemplate(f *testing.F) {
	for _, s := range []string{"{a}", "{a[b]", "{", "}", "{a!r:>20}", "{a:{b}}", "{a.b}", "{0}", "{}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, tmpl string) {
		if len(tmpl) > 200 || !strings.Contains(tmpl, "{") {
			return
		}
		r, err := New(&bytes.Buffer{}, tmpl, Options{})
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Emit(rec("a", result.OK, ds, "").With("b", map[string]any{"c": []any{1}}))
	})
}
