package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stemma-data/stemma/internal/fsx"
)

func TestJobSurvives(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "odd name ?#%41", "stemma")
	l := reopen(t, dir)
	want := Job{
		JobID: "17", Cluster: "c", Scheduler: "slurm", WorkTree: "/w/\xff", Branch: "refs/heads/main", DSID: "d", Pwd: ".",
		AltDir: "/alt", Script: "job.sh", Message: "two\nlines", Tasks: 3, Cmd: "sbatch job.sh", Expanded: "sbatch job.sh",
		BaseCommit: "abc", Chain: []string{"c1"}, Inputs: []string{"in <&> ü", "\xfe\x00\xff"}, ExtraInputs: []string{"x"}, Outputs: []string{"./out"},
		SlurmOutputs: []string{"slurm-17.out"}, Claims: []string{"a/\xff", "out"}, InputIDs: map[string]string{"\xfe": "id"}, SubmitFile: "/s",
		Owner: fsx.Self(), State: StateOpen, CreatedAt: time.Now().UTC(), SubmittedAt: time.Now().UTC(),
		Extra: map[string]json.RawMessage{"k": json.RawMessage(`{"n":1}`)},
	}
	mustClaim(t, l, &want)
	l.Close()
	l = reopen(t, dir)
	got, err := l.Get(t.Context(), want.ID)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if got, err = l.ByJobID(t.Context(), "17"); err != nil || got.ID != want.ID {
		t.Error(got.ID, err)
	}
	if _, err := l.ByJobID(t.Context(), ""); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 2 {
		t.Errorf("%v", entries)
	}
}

func TestConflicts(t *testing.T) {
	tests := []struct {
		first, second string
		conflict      bool
	}{
		{"p/a/b", "p/a/b", true},
		{"p/a/b", "p/a", true},
		{"p/a/b", "p", true},
		{"p/a/b", "p/a/b/c", true},
		{"p/a/b", ".", true},
		{".", "p/a/b", true},
		{".", ".", true},
		{"p/a/b", "p/a/bb", false},
		{"p/a/b", "p/a/b-", false},
		{"p/a/b", "p/a/b0", false},
		{"p/a/b", "p/a/b.x/c", false},
		{"p/a/b", "a/b", false},
		{"p/a/b/c", "p/a/b", true},
		{"p/a/b.x/c", "p/a/b", false},
		{"p/%/b", "p/x", false},
		{"p/_", "p/x", false},
		{"P", "p", false},
		{"p", "p0", false},
		{"p0", "p", false},
		{"p/0", "p", true},
	}
	for _, tt := range tests {
		l := openTest(t)
		id := mustClaim(t, l, newJob("z1", tt.first, "z2"))
		_, err := l.Claim(t.Context(), newJob("y", tt.second), false)
		var c *ConflictError
		if errors.As(err, &c) != tt.conflict {
			t.Errorf("%s, %s: %v", tt.first, tt.second, err)
		}
		if c != nil && (c.Path != tt.second && tt.first != "." || c.Other.ID != id) {
			t.Errorf("%s, %s: names %+v", tt.first, tt.second, c)
		}
		over, err := l.Overlapping(t.Context(), "/w", tt.second)
		if err != nil || (len(over) > 0) != tt.conflict && c != nil {
			t.Errorf("%s, %s: overlapping %v, %v", tt.first, tt.second, over, err)
		}
		if _, err := l.Claim(t.Context(), newJob(tt.second), true); err != nil {
			t.Errorf("forced: %v", err)
		}
		other := newJob(tt.first)
		other.WorkTree = "/other"
		mustClaim(t, l, other)
	}
}

func TestConflictStoresNothing(t *testing.T) {
	l := openTest(t)
	mustClaim(t, l, newJob("a"))
	if _, err := l.Claim(t.Context(), newJob("b", "a/x"), false); err == nil {
		t.Fatal("no conflict")
	}
	mustClaim(t, l, newJob("b"))
}

func TestBadClaims(t *testing.T) {
	l := openTest(t)
	for _, p := range []string{"", "/a", "..", "../a", "a/", "./a", "a//b", "a/../b", "a\x00b"} {
		if _, err := l.Claim(t.Context(), newJob(p), false); err == nil {
			t.Errorf("claim %q was accepted", p)
		}
	}
}

func TestTransition(t *testing.T) {
	l := openTest(t)
	ctx := t.Context()
	id := mustClaim(t, l, newJob("out"))
	if err := l.Transition(ctx, id, StateSubmitting, func(j *Job) { j.State, j.JobID = StateOpen, "5" }); err != nil {
		t.Fatal(err)
	}
	var se *StateError
	if err := l.Transition(ctx, id, StateSubmitting, func(j *Job) {}); !errors.As(err, &se) || se.Have != StateOpen {
		t.Error(err)
	}
	if err := l.Transition(ctx, id, StateOpen, func(j *Job) { j.Claims = append(j.Claims, "slurm-5.out") }); err != nil {
		t.Error(err)
	}
	if _, err := l.Claim(ctx, newJob("slurm-5.out"), false); err == nil {
		t.Error("a claim that came later does not count")
	}
	if err := l.Transition(ctx, id, StateOpen, func(j *Job) { j.State, j.Outcome = StateClosed, Released }); err != nil {
		t.Error(err)
	}
	if err := l.Transition(ctx, id, StateClosed, func(j *Job) { j.State, j.Outcome = StateOpen, "" }); err == nil {
		t.Error("a closed job was opened again")
	}
	mustClaim(t, l, newJob("out", "slurm-5.out"))
	job, err := l.Get(ctx, id)
	if err != nil || job.Outcome != Released || job.ClosedAt.IsZero() || len(job.Claims) != 2 {
		t.Errorf("%+v %v", job, err)
	}
	if err := l.Transition(ctx, 99, StateOpen, func(*Job) {}); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
}

func TestJobsFilterAndChangeWhileIterating(t *testing.T) {
	l := openTest(t)
	ctx := t.Context()
	err := l.Update(ctx, func(tx *Tx) error {
		for i := range 2*pageSize + 3 {
			j := newJob(fmt.Sprintf("o%d", i))
			if i%2 == 1 {
				j.WorkTree = "/other"
			}
			if err := tx.Claim(j, false); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	seen := int64(0)
	for j, err := range l.Jobs(ctx, Filter{}) {
		if err != nil || j.ID <= seen {
			t.Fatal(j.ID, err)
		}
		seen = j.ID
		if err := l.Finish(ctx, Closing{ID: j.ID, Outcome: Committed, Commit: "c"}); err != nil {
			t.Fatal(err)
		}
		if j.ID == pageSize+10 {
			break
		}
	}
	count := func(f Filter) (n int) {
		for _, err := range l.Jobs(ctx, f) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		return n
	}
	total, closed := 2*pageSize+3, pageSize+10
	got := []int{count(Filter{}), count(Filter{Closed: true}), count(Filter{All: true}), count(Filter{All: true, WorkTree: "/other"})}
	if d := cmp.Diff([]int{total - closed, closed, total, total / 2}, got); d != "" {
		t.Error(d)
	}
	claims := 0
	for _, err := range l.Claimed(ctx, "") {
		if err != nil {
			t.Fatal(err)
		}
		claims++
	}
	if claims != total-closed {
		t.Errorf("%d claims", claims)
	}
	last := ""
	for c, err := range l.Claimed(ctx, "/other") {
		if err != nil || c.WorkTree != "/other" || c.Path <= last {
			t.Fatal(c, err)
		}
		last = c.Path
	}
	if n, err := l.Prune(ctx, time.Now().Add(time.Hour)); err != nil || n != int64(closed) {
		t.Error(n, err)
	}
}

func TestFinishMayBeRepeated(t *testing.T) {
	l := openTest(t)
	ctx := t.Context()
	id := mustClaim(t, l, newJob("out"))
	for range 2 { // as recovery does
		if err := l.Finish(ctx, Closing{ID: id, Outcome: Committed, Commit: "1"}); err != nil {
			t.Fatal(err)
		}
	}
	var se *StateError
	if err := l.Finish(ctx, Closing{ID: id, Outcome: Released}); !errors.As(err, &se) {
		t.Error(err)
	}
	if j, err := l.Get(ctx, id); err != nil || j.State != StateClosed || j.Commit != "1" {
		t.Error(j, err)
	}
}

func TestHasOpen(t *testing.T) {
	dir := t.TempDir()
	check := func(want bool, when string) {
		t.Helper()
		if HasOpen(dir) != want {
			t.Errorf("%s: HasOpen is %v", when, !want)
		}
	}
	check(false, "no ledger")
	l := reopen(t, dir)
	check(false, "new")
	id := mustClaim(t, l, newJob("a"))
	check(true, "claimed")
	l.Finish(t.Context(), Closing{ID: id, Outcome: Released})
	check(false, "closed")
	l.Close()
	check(false, "closed file")
	os.WriteFile(filepath.Join(dir, FileName+journalSuffix), []byte("hot"), 0o644)
	check(true, "journal left by a crash")
}

func TestGuardStopsCommit(t *testing.T) {
	l := openTest(t)
	lost := &fsx.LostError{Path: "lease"}
	l.Guard(func() error { return lost })
	if _, err := l.Claim(t.Context(), newJob("a"), false); !errors.Is(err, lost) {
		t.Error(err)
	}
	l.Guard(nil)
	mustClaim(t, l, newJob("a"))
}

func TestVersionAndDamage(t *testing.T) {
	dir := t.TempDir()
	l := reopen(t, dir)
	mustClaim(t, l, newJob("a"))
	if err := l.view(t.Context(), func(tx *Tx) error { return tx.exec("PRAGMA user_version = 9") }); err != nil {
		t.Fatal(err)
	}
	l.Close()
	var ve *VersionError
	if _, err := Open(t.Context(), dir); !errors.As(err, &ve) || ve.Have != 9 {
		t.Error(err)
	}
	path := filepath.Join(dir, FileName)
	for n, content := range []string{"this is no database, whatever else it is", strings.Repeat("\xff", 8192)} {
		os.WriteFile(path, []byte(content), 0o644)
		var de *DamagedError
		if _, err := Open(t.Context(), dir); !errors.As(err, &de) {
			t.Fatalf("%.10q: %v", content, err)
		}
		l, aside, err := Rebuild(t.Context(), dir)
		if err != nil || aside != fmt.Sprintf("%s.damaged-%d", path, n+1) {
			t.Fatal(aside, err)
		}
		mustClaim(t, l, newJob("a"))
		l.Close()
		if b, _ := os.ReadFile(aside); string(b) != content {
			t.Error("the damaged file was changed")
		}
	}
}

func TestDamageInsideIsTyped(t *testing.T) {
	dir := t.TempDir()
	l := reopen(t, dir)
	for i := range 50 {
		mustClaim(t, l, newJob(fmt.Sprintf("%d/%s", i, strings.Repeat("x", 1000))))
	}
	l.Close()
	path := filepath.Join(dir, FileName)
	f, _ := os.OpenFile(path, os.O_RDWR, 0)
	fi, _ := f.Stat()
	for off := int64(4096); off < fi.Size(); off += 4096 {
		f.WriteAt([]byte(strings.Repeat("\xee", 300)), off)
	}
	f.Close()
	l, err := Open(t.Context(), dir)
	if err == nil {
		_, err = l.Claim(t.Context(), newJob("new"), false)
		l.Close()
	}
	var de *DamagedError
	if !errors.As(err, &de) {
		t.Errorf("%v", err)
	}
}

func TestOneOfManyProcessesWins(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	var mu sync.Mutex
	said := map[string]int{}
	for range 16 {
		cmd := roleCommand(t, "claim", dir)
		wg.Go(func() {
			out, err := cmd.Output()
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Errorf("%s %v", out, err)
			}
			said[string(out)]++
		})
	}
	wg.Wait()
	if said["won\n"] != 1 || said["conflict\n"] != 15 {
		t.Errorf("%v", said)
	}
}

func TestKilledWriterLosesNothingCommitted(t *testing.T) {
	dir := t.TempDir()
	var acknowledged []string
	for round := range 8 {
		cmd := roleCommand(t, "write", dir)
		last := killAfterLines(t, cmd, 5*round, time.Duration(round*307)*time.Microsecond)
		acknowledged = append(acknowledged, fmt.Sprintf("a/%d-%s", cmd.Process.Pid, last))
		if !HasOpen(dir) {
			t.Error("HasOpen forgot the jobs")
		}
	}
	l := reopen(t, dir)
	sides := map[byte]int{}
	paths := map[string]bool{}
	for j, err := range l.Jobs(t.Context(), Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		sides[j.Claims[0][0]]++
		paths[j.Claims[0]] = true
	}
	if sides['a'] != sides['b'] || sides['a'] == 0 {
		t.Errorf("half a transaction was kept: %v", sides)
	}
	for _, p := range acknowledged {
		if !paths[p] {
			t.Errorf("%s was committed and is gone", p)
		}
	}
	var verdict string
	l.view(t.Context(), func(tx *Tx) error { return tx.one([]any{&verdict}, "PRAGMA integrity_check") })
	if verdict != "ok" {
		t.Error(verdict)
	}
}

func TestPathCalls(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	dir := t.TempDir()
	reopen(t, dir).Close()
	log := filepath.Join(t.TempDir(), "log")
	if err := roleCommand(t, "once", dir, strace, "-f", "-e", "trace=file", "-o", log).Run(); err != nil {
		t.Fatal(err)
	}
	b, _ := os.ReadFile(log)
	var calls []string
	for _, line := range strings.Split(string(b), "\n") {
		if strings.Contains(line, `"`+dir) {
			calls = append(calls, line)
		}
	}
	t.Logf("%d calls name the ledger's folder", len(calls))
	if len(calls) > maxPathCalls {
		t.Errorf("%d calls:\n%s", len(calls), strings.Join(calls, "\n"))
	}
}

// maxPathCalls is for opening an existing ledger, one transaction and closing.
const maxPathCalls = 12
