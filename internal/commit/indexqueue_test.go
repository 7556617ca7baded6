package commit

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
)

// While somebody else has the index, the journal must be free for the hook of
// git-annex that they may be running.
func TestJournalIsFreeWhileTheIndexIsLocked(t *testing.T) {
	p := newPublisher(t)
	p.publish(t, Request{Commits: []Commit{{Message: "base\n", Files: []File{p.textFile(t, "a", "1")}}}})
	a, _, err := annex.Init(p.Repo, annex.InitOptions{UUID: "6b5cd5a4-5a2d-4d0b-8f1e-0123456789ab", Description: "here", Now: annexlog.ClockOf(time.Now())})
	if err != nil {
		t.Fatal(err)
	}
	p.Annex = a
	key, err := annexkey.Parse("MD5E-s1--c4ca4238a0b923820dcc509a6f75849b.bin")
	if err != nil {
		t.Fatal(err)
	}
	lock := filepath.Join(p.Repo.GitDir, "index.lock")
	if err := os.WriteFile(lock, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	hook := make(chan error, 1)
	go func() {
		time.Sleep(200 * time.Millisecond) // the publication is waiting by now
		j, err := a.LockJournal(t.Context())
		if err == nil {
			j.Unlock()
		}
		hook <- err
		os.Remove(lock)
	}()
	start := time.Now()
	p.publish(t, Request{
		Commits: []Commit{{Message: "two\n", Files: []File{p.textFile(t, "b", "2")}}},
		Logs:    []annex.LogEdit{annex.SetLocation(key, a.UUID, annexlog.StatusPresent, annexlog.ClockOf(time.Now()))},
	})
	if err := <-hook; err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("it took %v: both waited for each other", took)
	}
	if got := p.gitOut(t, "log", "--format=%s"); got != "two\nbase" {
		t.Errorf("log %q", got)
	}
}
