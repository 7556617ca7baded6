package fsx

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestLeaseTakeCheckRelease(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "sub", "lease")
	l, err := AcquireLease(t.Context(), path, LeaseOptions{Purpose: "test"})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Check(); err != nil {
		t.Error(err)
	}
	_, err = AcquireLease(t.Context(), path, LeaseOptions{Wait: 20 * time.Millisecond})
	var held *HeldError
	if !errors.As(err, &held) || held.Holder.PID != os.Getpid() || held.Purpose != "test" {
		t.Errorf("second taker got %v", err)
	}
	if err := l.Release(); err != nil {
		t.Error(err)
	}
	noLeftovers(t, filepath.Dir(path), "lease.queue")
	if err := l.Release(); err != nil {
		t.Error("second release:", err)
	}
}

func TestLeaseCancel(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lease")
	l, err := AcquireLease(t.Context(), path, LeaseOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Release()
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, err := AcquireLease(ctx, path, LeaseOptions{Wait: -1}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled wait gave %v", err)
	}
}

func TestLeaseLost(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lease")
	l, err := AcquireLease(t.Context(), path, LeaseOptions{})
	if err != nil {
		t.Fatal(err)
	}
	plant(t, path, foreign(), 0)
	var lost *LostError
	if err := l.Check(); !errors.As(err, &lost) || lost.By.Host != "elsewhere" {
		t.Errorf("check gave %v", err)
	}
	// A holder that was silent for long must not remove its successor's lease.
	l.beat = l.beat.Add(-time.Hour)
	if err := l.Release(); !errors.As(err, &lost) {
		t.Errorf("release gave %v", err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error("the successor's lease is gone:", err)
	}
}

func TestLeaseExcludesProcesses(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	for range 8 {
		cmd := roleCommand(t, "count", dir)
		wg.Go(func() {
			if err := cmd.Run(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if b, _ := os.ReadFile(dir + "/count"); string(b) != "200" {
		t.Errorf("count is %s, want 200: updates were lost", b)
	}
	noLeftovers(t, dir, "count", "lease.queue")
}

func TestLeaseOfKilledProcessIsBrokenAtOnce(t *testing.T) {
	dir := t.TempDir()
	a := startHolder(t, "hold-lease", dir+"/lease")
	if _, err := AcquireLease(t.Context(), dir+"/lease", LeaseOptions{}); err == nil {
		t.Fatal("two holders")
	}
	a.Process.Kill()
	a.Wait()
	l, err := AcquireLease(t.Context(), dir+"/lease", LeaseOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Release(); err != nil {
		t.Error(err)
	}
	noLeftovers(t, dir, "lease.queue")
}

// A process in another pid name space has a number that means nothing here, or
// means somebody else; only the heartbeat counts.
func TestLeaseAcrossPIDNamespaces(t *testing.T) {
	needRoot(t, "unshare")
	for _, wrap := range [][]string{
		{"unshare", "-pf", "--mount-proc", "--kill-child"},
		{"unshare", "-pf", "--kill-child"}, // /proc of the outer name space
	} {
		t.Run(strings.Join(wrap, " "), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "lease")
			opt := LeaseOptions{StaleAfter: 400 * time.Millisecond, Heartbeat: 100 * time.Millisecond}
			a := startHolder(t, "hold-lease", path, wrap...)
			if _, err := AcquireLease(t.Context(), path, opt); err == nil {
				t.Fatal("a live lease was broken at once")
			}
			a.Process.Kill()
			a.Wait()
			if _, err := AcquireLease(t.Context(), path, opt); err == nil {
				t.Fatal("the death of a process in another name space was guessed")
			}
			opt.Wait = 10 * time.Second
			start := time.Now()
			l, err := AcquireLease(t.Context(), path, opt)
			if err != nil {
				t.Fatal(err)
			}
			l.Release()
			t.Logf("broken after %v", time.Since(start))
		})
	}
}

func TestLeaseInsideNamespaceHonoursOutside(t *testing.T) {
	needRoot(t, "unshare")
	path := filepath.Join(t.TempDir(), "lease")
	l, err := AcquireLease(t.Context(), path, LeaseOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Release()
	cmd := roleCommand(t, "lease-once", path, "unshare", "-pf", "--mount-proc")
	cmd.Stderr = nil
	if err := cmd.Run(); err == nil {
		t.Error("a process in a new pid name space broke our lease")
	}
	if err := l.Check(); err != nil {
		t.Error(err)
	}
}

func TestHeartbeatKeepsForeignLease(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lease")
	opt := LeaseOptions{StaleAfter: 300 * time.Millisecond, Heartbeat: 50 * time.Millisecond}
	l, err := AcquireLease(t.Context(), path, opt)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Release()
	rewriteAsForeign(t, l)
	opt.Wait = time.Second
	other := &Lease{path: path, opt: opt}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := other.acquire(ctx); err == nil {
		t.Error("a lease with a heartbeat was broken")
	}
}

func TestSkewedClockDoesNotBreakALiveLease(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lease")
	opt := LeaseOptions{StaleAfter: 300 * time.Millisecond, Heartbeat: 100 * time.Millisecond}
	plant(t, path, foreign(), time.Second)
	stop := make(chan struct{})
	go func() { // a holder on a node whose clock is one second late
		for {
			select {
			case <-stop:
				return
			case <-time.After(opt.Heartbeat):
				late := time.Now().Add(-time.Second)
				os.Chtimes(path, late, late)
			}
		}
	}()
	defer close(stop)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := (&Lease{path: path, opt: opt}).acquire(ctx); err == nil {
		t.Error("broken by clock skew")
	}
}

// Two breakers look at the same dead lease. The slow one acts after the quick
// one has removed it and a new owner came.
func TestSlowBreakerSparesNewOwner(t *testing.T) {
	dir := t.TempDir()
	path := dir + "/lease"
	opt := LeaseOptions{StaleAfter: time.Minute}
	plant(t, path, foreign(), time.Hour)
	stale, err := readLease(path)
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := guardedRemove(path, path, stale, opt); !ok || err != nil {
		t.Fatal(ok, err)
	}
	l, err := AcquireLease(t.Context(), path, LeaseOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := guardedRemove(path, path, stale, opt); ok || err != nil {
		t.Error("second breaker:", ok, err)
	}
	if err := l.Check(); err != nil {
		t.Error("the new owner lost its lease:", err)
	}
	if err := l.Release(); err != nil {
		t.Error(err)
	}
	noLeftovers(t, dir, "lease.queue")
}

// A guard that outlived its owner: the renamed victim is put back.
func TestBuryPutsBackAWrongVictim(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lease")
	plant(t, path, foreign(), 0)
	seen, err := readLease(path)
	if err != nil {
		t.Fatal(err)
	}
	younger := foreign()
	os.Remove(path)
	plant(t, path, younger, 0)
	if ok, err := bury(path, path, seen); ok || err != nil {
		t.Error(ok, err)
	}
	if now, err := readLease(path); err != nil || now.rec.Nonce != younger.Nonce {
		t.Error("the younger lease is gone", err)
	}
}

func TestDeadBreakersGuardIsRemoved(t *testing.T) {
	dir := t.TempDir()
	path := dir + "/lease"
	dead := deadOwner(t)
	plant(t, path, dead, 0)
	guard := foreign()
	guard.Owner = dead.Owner
	plant(t, path+breakMark+dead.Nonce, guard, 0)
	l, err := AcquireLease(t.Context(), path, LeaseOptions{Wait: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	l.Release()
	noLeftovers(t, dir, "lease.queue")
}

// Many breakers without a queue, as on many nodes, and leases that die again
// and again: never two holders at once, and everybody gets a turn.
func TestBreakersRace(t *testing.T) {
	dir := t.TempDir()
	path := dir + "/lease"
	dead := deadOwner(t)
	var inside, turns atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				l := &Lease{path: path, opt: LeaseOptions{StaleAfter: time.Minute, Heartbeat: time.Hour}}
				if err := l.acquire(t.Context()); err != nil {
					t.Error(err)
					return
				}
				if inside.Add(1) != 1 {
					t.Error("two holders")
				}
				turns.Add(1)
				if err := l.Check(); err != nil {
					t.Error(err)
				}
				inside.Add(-1)
				die(l, dead.Owner)
			}
		})
	}
	wg.Wait()
	if turns.Load() != 160 {
		t.Errorf("%d turns", turns.Load())
	}
}

func TestEmptyAndGarbledLeases(t *testing.T) {
	for _, content := range []string{"", "{", "null", `{"nonce":"../../x","pid":1}`, strings.Repeat("x", 1<<17)} {
		path := filepath.Join(t.TempDir(), "lease")
		os.WriteFile(path, []byte(content), 0o644)
		_, err := AcquireLease(t.Context(), path, LeaseOptions{})
		var held *HeldError
		if !errors.As(err, &held) {
			t.Errorf("%.20q: a young lease without owner was broken: %v", content, err)
		}
		old := time.Now().Add(-time.Hour)
		os.Chtimes(path, old, old)
		l, err := AcquireLease(t.Context(), path, LeaseOptions{})
		if err != nil {
			t.Errorf("%.20q: %v", content, err)
			continue
		}
		l.Release()
	}
}

func TestLeaseSystemCalls(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	dir := t.TempDir()
	log := filepath.Join(t.TempDir(), "log")
	cmd := roleCommand(t, "lease-once", dir+"/lease", strace, "-f", "-e", "trace=file", "-o", log)
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	b, _ := os.ReadFile(log)
	var calls []string
	for _, line := range strings.Split(string(b), "\n") {
		if strings.Contains(line, `"`+dir) {
			calls = append(calls, line)
		}
	}
	if len(calls) > 8 {
		t.Errorf("%d calls name the lease's folder:\n%s", len(calls), strings.Join(calls, "\n"))
	}
	t.Logf("%d calls", len(calls))
}

func TestLongWaitIsTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lease")
	plant(t, path, foreign(), 0)
	told := make(chan *HeldError, 2)
	opt := LeaseOptions{Wait: 300 * time.Millisecond, NoticeAfter: 10 * time.Millisecond, Notice: func(e *HeldError) { told <- e }}
	if _, err := AcquireLease(t.Context(), path, opt); err == nil {
		t.Fatal("two holders")
	}
	if e := <-told; e.Holder.Host != "elsewhere" || len(told) > 0 {
		t.Errorf("told %v, and %d more", e, len(told))
	}
	os.Remove(path)
	l, err := AcquireLease(t.Context(), path, opt)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(30 * time.Millisecond)
	l.Release()
	if len(told) > 0 {
		t.Error("told of a wait that was none")
	}
}

// foreign is a record of a process on another node.
func foreign() leaseRecord {
	r := newRecord("elsewhere")
	r.Host, r.BootID = "elsewhere", "another-boot"
	return r
}

// deadOwner is a record of a process of this machine that has ended.
func deadOwner(t *testing.T) leaseRecord {
	t.Helper()
	path := filepath.Join(t.TempDir(), "lease")
	a := startHolder(t, "hold-lease", path)
	seen, err := readLease(path)
	if err != nil {
		t.Fatal(err)
	}
	a.Process.Kill()
	a.Wait()
	if f := seen.rec.Fate(); f != Dead {
		t.Fatalf("fate of a killed process is %v", f)
	}
	return seen.rec
}

// plant writes a lease file of the given age.
func plant(t *testing.T, path string, rec leaseRecord, age time.Duration) {
	t.Helper()
	b, err := json.Marshal(rec)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(b, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
	when := time.Now().Add(-age)
	if err := os.Chtimes(path, when, when); err != nil {
		t.Fatal(err)
	}
}

// die leaves the lease file of l behind with a dead owner.
func die(l *Lease, dead Owner) {
	close(l.stop)
	<-l.done
	rec := l.rec
	rec.Owner = dead
	b, _ := json.Marshal(rec)
	line := fmt.Sprintf("%-*s\n", len(b), b)
	l.file.WriteAt([]byte(line), 0)
	l.file.Truncate(int64(len(line)))
	l.file.Close()
}

func rewriteAsForeign(t *testing.T, l *Lease) {
	t.Helper()
	rec := l.rec
	rec.BootID = "another-boot"
	b, _ := json.Marshal(rec)
	l.file.Truncate(0)
	if _, err := l.file.WriteAt(b, 0); err != nil {
		t.Fatal(err)
	}
}
