package matchexpr

import (
	"errors"
	"flag"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden table anew by asking git-annex")

func TestGoldenTable(t *testing.T) {
	if *update {
		writeGolden(t, questions())
	}
	known := map[question]bool{}
	for _, q := range readGolden(t) {
		q.Path = strings.ReplaceAll(q.Path, "\ufffd", "\xff") // JSON holds no broken UTF-8
		known[q.question] = true
		if got := ours(q.question); got != q.Answer {
			t.Errorf("%q on %q: %s, git-annex says %s", q.Expr, q.Path, got, q.Answer)
		}
	}
	for _, q := range questions() {
		if !known[q] {
			t.Errorf("%q is not in the table; run with -update", q)
		}
	}
}

// TestLive compares random expressions and globs, new ones in each run.
func TestLive(t *testing.T) {
	a := newAnnex(t)
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 0))
	count := 60
	if testing.Short() {
		count = 10
	}
	for range count {
		for _, q := range []question{{"x.txt", randomExpr(r)}, randomGlob(r)} {
			if want, got := a.ask(t, q), ours(q); got != want {
				t.Errorf("seed %d: %q on %q: %s, git-annex says %s", seed, q.Expr, q.Path, got, want)
			}
		}
	}
}

func TestOnlyWhatIsNeededIsAsked(t *testing.T) {
	for _, c := range []struct {
		expr        string
		sizes, mime int
		needs       bool
	}{
		{"include=*.txt", 0, 0, false},
		{"largerthan=1kb and include=*", 1, 0, false},
		{"nothing and mimetype=text/*", 0, 0, true},
		{"anything or mimeencoding=binary", 0, 0, true},
		{"smallerthan=1 and not (largerthan=1 or mimetype=*)", 1, 0, true},
		{"((mimeencoding=binary)and(largerthan=0))", 0, 1, true},
	} {
		e, err := Parse(c.expr)
		if err != nil {
			t.Fatal(err)
		}
		f := &fake{path: "x.txt"}
		if _, err := e.Match(f); err != nil {
			t.Fatal(err)
		}
		if f.sizes != c.sizes || f.mime != c.mime || e.NeedsMIME() != c.needs {
			t.Errorf("%q: %d sizes, %d mimes, needs %v", c.expr, f.sizes, f.mime, e.NeedsMIME())
		}
	}
}

func TestFileErrorsAreReported(t *testing.T) {
	want := errors.New("gone")
	for _, expr := range []string{"largerthan=1", "not smallerthan=1", "anything and (nothing or mimetype=*)", "not mimeencoding=*"} {
		e, err := Parse(expr)
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := e.Match(&fake{err: want}); ok || !errors.Is(err, want) {
			t.Errorf("%q: %v, %v", expr, ok, err)
		}
	}
}

func TestZeroExprMatches(t *testing.T) {
	if ok, err := (Expr{}).Match(&fake{}); !ok || err != nil {
		t.Error(ok, err)
	}
}

func TestTooLong(t *testing.T) {
	if _, err := Parse(strings.Repeat("(", maxLen+1)); err == nil {
		t.Error("no error")
	}
	e, err := Parse(strings.Repeat("(", maxLen))
	if err != nil {
		t.Fatal(err)
	}
	if ok, _ := e.Match(&fake{}); !ok {
		t.Error("deep nesting")
	}
}

// A value is no path: metadata that was asked for with `git annex find --metadata`.
func TestGlobOfValues(t *testing.T) {
	for _, c := range []struct {
		glob, value string
		want        bool
	}{{"a/b", "a//b", false}, {"a//b", "a//b", true}, {`a\b`, `a\\b`, false}, {`a\\b`, `a\\b`, true}} {
		match, err := Glob(c.glob)
		if err != nil || match(c.value) != c.want {
			t.Errorf("%s on %s: %v, want %v", c.glob, c.value, err, c.want)
		}
	}
	if _, err := Glob("[]/*"); err == nil {
		t.Error("[]/* is a glob of values")
	}
}

func FuzzParse(f *testing.F) {
	for _, q := range questions() {
		f.Add(q.Path, q.Expr)
	}
	f.Fuzz(func(t *testing.T, path, expr string) {
		e, err := Parse(expr)
		if err != nil {
			return
		}
		file := &fake{path: path}
		_, _ = e.Match(file)
		if file.mime > 0 && !e.NeedsMIME() {
			t.Fatal("read a file without need")
		}
	})
}
