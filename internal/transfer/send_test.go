package transfer

import (
	"context"
	"errors"
	"hash"
	"os"
	"testing"
	"time"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/remote"
)

// sink takes content, after it has failed a few times.
type sink struct {
	failures []func(ctx context.Context, c remote.Content) error
	got      []byte
}

func (s *sink) Name() string { return "sink" }
func (s *sink) UUID() string { return "5eed" }
func (s *sink) Present(context.Context, annexkey.Key) (bool, error) {
	return s.got != nil, nil
}
func (s *sink) Fetch(context.Context, annexkey.Key, string, hash.Hash) error {
	return remote.ErrAbsent
}
func (s *sink) Remove(context.Context, annexkey.Key) error { return nil }
func (s *sink) Store(ctx context.Context, _ annexkey.Key, c remote.Content) (err error) {
	if len(s.failures) > 0 {
		f := s.failures[0]
		s.failures = s.failures[1:]
		return f(ctx, c)
	}
	s.got, err = os.ReadFile(c.Path)
	c.Report(c.Size)
	return err
}

func stored(t *testing.T, a *annex.Annex, content []byte) annexkey.Key {
	t.Helper()
	k := keyOf(content)
	if _, err := (&Getter{Annex: a}).Get(t.Context(), k, []remote.Remote{&fake{uuid: "u", content: content}}); err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSend(t *testing.T) {
	a := newAnnex(t)
	k := stored(t, a, big(2<<20))
	broken := func(_ context.Context, c remote.Content) error {
		c.Report(1000)
		return errors.New("broken pipe")
	}
	refused := func(context.Context, remote.Content) error { return errors.New("refused") }
	stalled := func(ctx context.Context, _ remote.Content) error { <-ctx.Done(); return ctx.Err() }
	for name, c := range map[string]struct {
		failures []func(context.Context, remote.Content) error
		retry    int
		want     bool
	}{
		"at once":           {nil, 0, true},
		"broken twice":      {[]func(context.Context, remote.Content) error{broken, broken}, 0, true},
		"refused":           {[]func(context.Context, remote.Content) error{refused}, 0, false},
		"refused, retried":  {[]func(context.Context, remote.Content) error{refused, broken, refused}, 2, true},
		"silent":            {[]func(context.Context, remote.Content) error{stalled}, 0, false},
		"silent, then well": {[]func(context.Context, remote.Content) error{stalled}, 1, true},
	} {
		to := &sink{failures: c.failures}
		s := &Sender{Annex: a, Retry: c.retry, RetryDelay: time.Millisecond, Stall: 30 * time.Millisecond}
		if err := s.Send(t.Context(), k, to); (err == nil) != c.want || (to.got != nil) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := (&Sender{Annex: a}).Send(t.Context(), keyOf([]byte("not here")), &sink{}); !errors.Is(err, remote.ErrAbsent) {
		t.Error(err)
	}
	lock, err := a.LockTransfer(annex.Upload, "5eed", k)
	if err != nil {
		t.Fatal(err)
	}
	if err := (&Sender{Annex: a}).Send(t.Context(), k, &sink{}); !errors.Is(err, annex.ErrTransferring) {
		t.Errorf("two uploads at once: %v", err)
	}
	lock.Unlock()
	object, _ := a.Locate(k)
	os.Chmod(object, 0o644)
	os.Truncate(object, 5)
	if err := (&Sender{Annex: a}).Send(t.Context(), k, &sink{}); err == nil {
		t.Error("damaged content was sent")
	}
}
