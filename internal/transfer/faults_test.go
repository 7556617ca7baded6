package transfer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/remote"
)

// flaky delivers from any place on, and fails in the way that is asked for.
type flaky struct {
	uuid    string
	content []byte
	mode    string // what goes wrong, once, after cut bytes of the attempt
	cut     int
	sent    int // bytes in all
	calls   int
}

func (f *flaky) Name() string { return f.uuid }
func (f *flaky) UUID() string { return f.uuid }
func (f *flaky) Present(context.Context, annexkey.Key) (bool, error) {
	return true, nil
}

func (f *flaky) Fetch(ctx context.Context, k annexkey.Key, dst string, h hash.Hash) error {
	if err := os.WriteFile(dst, nil, 0o644); err != nil {
		return err
	}
	return f.FetchFrom(ctx, k, dst, 0, h)
}

const step = 64 << 10

func (f *flaky) FetchFrom(ctx context.Context, k annexkey.Key, dst string, offset int64, h hash.Hash) error {
	f.calls++
	out, err := os.OpenFile(dst, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	defer out.Close()
	mode := f.mode
	f.mode = ""
	for done := 0; int(offset)+done < len(f.content); {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(step, len(f.content)-int(offset)-done)
		block := bytes.Clone(f.content[int(offset)+done:][:n])
		if mode != "" && done+n > f.cut {
			switch mode {
			case "drop":
				return errors.New("connection reset by peer")
			case "stall":
				<-ctx.Done()
				return ctx.Err()
			case "flip":
				block[n/2]++
			case "unhashed": // bytes that the hash has not seen
				out.Write(block)
				return errors.New("died before hashing")
			case "unwritten":
				h.Write(block)
				return errors.New("died before writing")
			case "short":
				return nil
			case "endless":
				for ctx.Err() == nil {
					out.Write(block)
					h.Write(block)
				}
				return ctx.Err()
			}
			mode = ""
		}
		if _, err := out.Write(block); err != nil {
			return err
		}
		h.Write(block)
		done += n
		f.sent += n
	}
	return nil
}

func big(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(n)}).Read(b)
	return b
}

func (f *flaky) String() string {
	return fmt.Sprintf("%s sent %d in %d calls", f.uuid, f.sent, f.calls)
}

func TestBrokenTransfersGoOn(t *testing.T) {
	content := big(3 << 20)
	k := keyOf(content)
	for _, mode := range []string{"drop", "stall", "unhashed", "unwritten", "short", "flip", "endless"} {
		t.Run(mode, func(t *testing.T) {
			a := newAnnex(t)
			r := &flaky{uuid: "r", content: content, mode: mode, cut: 2 << 20}
			// A retry brings what attempts that brought something do not.
			g := &Getter{Annex: a, Stall: 100 * time.Millisecond, Retry: 1, RetryDelay: time.Millisecond}
			if _, err := g.Get(t.Context(), k, []remote.Remote{r}); err != nil {
				t.Fatal(err)
			}
			object, _ := a.Locate(k)
			if got, _ := os.ReadFile(object); !bytes.Equal(got, content) {
				t.Error("other content was accepted")
			}
			if again := mode == "flip" || mode == "endless"; !again && r.sent > len(content)+step {
				t.Errorf("began anew: %v", r)
			}
			if left, _ := os.ReadDir(a.Dir("tmp")); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
}

func TestTheNextSourceGoesOn(t *testing.T) {
	content := big(3 << 20)
	k := keyOf(content)
	a := newAnnex(t)
	first := &flaky{uuid: "first", content: content, mode: "drop", cut: 2 << 20}
	second := &flaky{uuid: "second", content: content}
	from, err := (&Getter{Annex: a}).Get(t.Context(), k, []remote.Remote{first, second})
	if err != nil || from != remote.Remote(second) || second.sent > len(content)/2 {
		t.Errorf("%v %v %v", err, first, second)
	}
	// What a liar has begun, an honest source cannot complete: it starts anew.
	a = newAnnex(t)
	bad := bytes.Clone(content)
	bad[5]++
	liar := &flaky{uuid: "liar", content: bad, mode: "drop", cut: 2 << 20}
	second = &flaky{uuid: "second", content: content}
	if _, err := (&Getter{Annex: a}).Get(t.Context(), k, []remote.Remote{liar, second}); err != nil || second.sent < len(content) {
		t.Errorf("%v %v", err, second)
	}
}

func TestTheNextProcessGoesOn(t *testing.T) {
	content := big(3 << 20)
	k := keyOf(content)
	a := newAnnex(t)
	r := &flaky{uuid: "r", content: content, mode: "drop", cut: 2 << 20}
	ctx, cancel := context.WithCancel(t.Context())
	stop := &stopper{cancel: cancel}
	if _, err := (&Getter{Annex: a, Progress: stop}).Get(ctx, k, []remote.Remote{r}); err == nil {
		t.Fatal("it should have been interrupted")
	}
	// git-annex finds it under the name that it uses itself.
	fi, err := os.Stat(a.Dir("tmp", k.File()))
	if err != nil || fi.Size() < 1<<20 {
		t.Fatalf("nothing is left to go on with: %v", err)
	}
	r.mode, r.sent = "", 0
	if _, err := (&Getter{Annex: a}).Get(t.Context(), k, []remote.Remote{r}); err != nil || int64(r.sent) > k.Size-fi.Size() {
		t.Errorf("%v %v", err, r)
	}
	// Somebody else's partial file may hold anything.
	a = newAnnex(t)
	os.MkdirAll(a.Dir("tmp"), 0o755)
	for _, left := range [][]byte{bytes.Repeat([]byte("x"), 1<<20), bytes.Repeat([]byte("x"), len(content)), bytes.Repeat([]byte("x"), len(content)+5)} {
		os.WriteFile(a.Dir("tmp", k.File()), left, 0o644)
		if _, err := (&Getter{Annex: a}).Get(t.Context(), k, []remote.Remote{r}); err != nil {
			t.Error(err)
		}
		object, _ := a.Locate(k)
		if got, _ := os.ReadFile(object); !bytes.Equal(got, content) {
			t.Error("other content was accepted")
		}
	}
}

// stopper interrupts when 1.5 MiB are there.
type stopper struct {
	cancel func()
}

func (s *stopper) Begin(annexkey.Key, string) Meter { return s }
func (s *stopper) End(error)                        {}
func (s *stopper) At(n int64) {
	if n > 3<<19 {
		s.cancel()
	}
}

func TestASilentSourceIsGivenUp(t *testing.T) {
	content := big(2 << 20)
	k := keyOf(content)
	r := &flaky{uuid: "r", content: content, mode: "stall"}
	other := &flaky{uuid: "s", content: content}
	from, err := (&Getter{Annex: newAnnex(t), Stall: 50 * time.Millisecond}).Get(t.Context(), k, []remote.Remote{r, other})
	if err != nil || from != remote.Remote(other) {
		t.Errorf("%v %v", from, err)
	}
	r.mode = "stall"
	_, err = (&Getter{Annex: newAnnex(t), Stall: 50 * time.Millisecond}).Get(t.Context(), k, []remote.Remote{r})
	if err == nil || !strings.Contains(err.Error(), "nothing has moved for too long") {
		t.Error(err)
	}
	for text, want := range map[string]time.Duration{"": 0, "true": remote.DefaultStall, "1KB/60s": time.Minute, "5KB / 2m": 2 * time.Minute} {
		if d, ok := remote.ParseStall(text); !ok || d != want {
			t.Errorf("%q: %v", text, d)
		}
	}
	if _, ok := remote.ParseStall("often"); ok {
		t.Error("nonsense is understood")
	}
}

func TestTwoProcessesFetchOnce(t *testing.T) {
	content := big(2 << 20)
	k := keyOf(content)
	a := newAnnex(t)
	r := &flaky{uuid: "r", content: content}
	theirs, err := a.LockTransfer(annex.Download, "r", k)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := (&Getter{Annex: a}).Get(t.Context(), k, []remote.Remote{r}); err != nil {
			t.Error(err)
		}
	})
	time.Sleep(30 * time.Millisecond)
	if r.calls != 0 {
		t.Error("fetched under somebody else's lock")
	}
	theirs.Unlock()
	wg.Wait()
	if !a.Has(k) {
		t.Error("not fetched")
	}
}
