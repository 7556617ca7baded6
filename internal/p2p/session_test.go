package p2p

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stemma-data/stemma/internal/annexkey"
)

// memory is a Repository without files.
type memory struct {
	mu      sync.Mutex
	content map[annexkey.Key][]byte
	partial map[annexkey.Key][]byte
	locked  map[annexkey.Key]int
	unclean int
	full    bool
}

func newMemory() *memory {
	return &memory{content: map[annexkey.Key][]byte{}, partial: map[annexkey.Key][]byte{}, locked: map[annexkey.Key]int{}}
}

func (m *memory) Present(_ context.Context, k annexkey.Key) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, ok := m.content[k]
	return ok, nil
}

func (m *memory) Lock(ctx context.Context, k annexkey.Key) (Lock, error) {
	if ok, _ := m.Present(ctx, k); !ok {
		return nil, ErrAbsent
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.locked[k]++
	return memoryLock{m, k}, nil
}

type memoryLock struct {
	m *memory
	k annexkey.Key
}

func (l memoryLock) Release(clean bool) {
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	l.m.locked[l.k]--
	if !clean {
		l.m.unclean++
	}
}

func (m *memory) Remove(_ context.Context, k annexkey.Key, still func() error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.locked[k] > 0 {
		return errors.New("locked")
	}
	if err := still(); err != nil {
		return err
	}
	delete(m.content, k)
	return nil
}

type memoryOut struct{ *bytes.Reader }

func (o memoryOut) Size() int64      { return int64(o.Len()) }
func (o memoryOut) Unmodified() bool { return true }
func (o memoryOut) Close() error     { return nil }

func (m *memory) Open(_ context.Context, k annexkey.Key, offset int64) (Outgoing, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	data, ok := m.content[k]
	if !ok || offset > int64(len(data)) {
		return nil, ErrAbsent
	}
	return memoryOut{bytes.NewReader(data[offset:])}, nil
}

type memoryIn struct {
	m *memory
	k annexkey.Key
}

func (m *memory) Receive(_ context.Context, k annexkey.Key) (Incoming, error) {
	if ok, _ := m.Present(context.Background(), k); ok {
		return nil, nil
	}
	return memoryIn{m, k}, nil
}

func (i memoryIn) Write(p []byte) (int, error) {
	if i.m.full {
		return 0, errors.New("no space left on device")
	}
	i.m.mu.Lock()
	defer i.m.mu.Unlock()
	i.m.partial[i.k] = append(i.m.partial[i.k], p...)
	return len(p), nil
}
func (i memoryIn) Offset() int64 { return int64(len(i.m.partial[i.k])) }
func (i memoryIn) Close() error  { return nil }
func (i memoryIn) Finish(context.Context) error {
	i.m.mu.Lock()
	defer i.m.mu.Unlock()
	if int64(len(i.m.partial[i.k])) != i.k.Size {
		return errors.New("wrong size")
	}
	i.m.content[i.k] = i.m.partial[i.k]
	return nil
}

type text string

func (s text) From(offset int64) (io.Reader, int64, error) {
	return strings.NewReader(string(s[offset:])), int64(len(s)) - offset, nil
}
func (s text) Unmodified() bool { return true }

// end is one end of a connection.
type end struct {
	io.Reader
	io.WriteCloser
	in io.Closer
}

func (e end) Close() error { return errors.Join(e.WriteCloser.Close(), e.in.Close()) }

// pipes are two ends that hold some bytes between them, as ssh does.
func pipes(t *testing.T) (a, b end) {
	t.Helper()
	r1, w1, err1 := os.Pipe()
	r2, w2, err2 := os.Pipe()
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // and until then the collector of garbage closes none of them
		for _, f := range []*os.File{r1, w1, r2, w2} {
			f.Close()
		}
	})
	return end{r1, w2, r1}, end{r2, w1, r2}
}

// dial connects a client to a server that serves repo; the server's error
// comes when the connection has ended.
func dial(t *testing.T, srv *Server) (*Client, io.Closer, <-chan error) {
	t.Helper()
	a, b := pipes(t)
	if srv.Clock == nil {
		srv.Clock = func() int64 { return 100 }
	}
	srv.UUID = "u-u-i-d"
	done := make(chan error, 1)
	go func() { done <- srv.Serve(t.Context(), b, b); b.Close() }()
	c, err := NewClient(t.Context(), a, a, a)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c, a, done
}

func key(t *testing.T, s string) annexkey.Key {
	t.Helper()
	k, err := annexkey.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSession(t *testing.T) {
	repo, k, ctx := newMemory(), key(t, "SHA256-s11--x"), t.Context()
	c, _, _ := dial(t, &Server{Repo: repo})
	if c.UUID() != "u-u-i-d" || c.Version() != MaxVersion {
		t.Errorf("%s %d", c.UUID(), c.Version())
	}
	var got bytes.Buffer
	if _, err := c.Get(ctx, k, "", 0, &got); !errors.Is(err, ErrAbsent) {
		t.Errorf("absent content: %v", err)
	}
	repo.partial[k] = []byte("hello")
	if err := c.Put(ctx, k, "a file", text("hello world")); err != nil {
		t.Fatal(err)
	}
	if err := c.Put(ctx, k, "", text("is there already")); err != nil {
		t.Error(err)
	}
	if ok, err := c.Present(ctx, k); !ok || err != nil {
		t.Error(ok, err)
	}
	if valid, err := c.Get(ctx, k, "f", 6, &got); !valid || err != nil || got.String() != "world" {
		t.Errorf("%v %v %q", valid, err, got.String())
	}
	if now, err := c.Clock(ctx); now != 100 || err != nil {
		t.Error(now, err)
	}
	if err := c.RemoveBefore(ctx, k, 100); !errors.Is(err, ErrRefused) {
		t.Errorf("too late: %v", err)
	}
	if err := c.Lock(ctx, k); err != nil || repo.locked[k] != 1 {
		t.Error(err)
	}
	if err := c.Unlock(); err != nil {
		t.Error(err)
	}
	if err := c.RemoveBefore(ctx, k, 101); err != nil {
		t.Error(err)
	}
	if err := errors.Join(c.Remove(ctx, k)); err != nil {
		t.Error("removing what is not there:", err)
	}
	if err := c.Lock(ctx, k); !errors.Is(err, ErrRefused) || repo.unclean != 0 || c.Broken() {
		t.Error(err)
	}
}

func TestRights(t *testing.T) {
	k := key(t, "SHA256-s2--x")
	for access, want := range map[Access][2]string{
		ReadWrite: {}, AppendOnly: {"", textAppendOnly}, ReadOnly: {textReadOnly, textReadOnly},
	} {
		c, _, _ := dial(t, &Server{Repo: newMemory(), Access: access})
		for i, err := range []error{c.Put(t.Context(), k, "", text("ab")), c.Remove(t.Context(), k)} {
			if want[i] == "" && err != nil || want[i] != "" && (err == nil || err.Error() != "the server says: "+want[i]) {
				t.Errorf("access %d, request %d: %v", access, i, err)
			}
		}
	}
}

func TestTooMuchContentIsStopped(t *testing.T) {
	repo, k := newMemory(), key(t, "SHA256-s3--x")
	repo.content[k] = []byte("far too long")
	c, _, _ := dial(t, &Server{Repo: repo})
	var got bytes.Buffer
	if _, err := c.Get(t.Context(), k, "", 0, &got); !errors.Is(err, ErrTooLong) || got.Len() > 0 || !c.Broken() {
		t.Errorf("%v, %d bytes", err, got.Len())
	}
	other := key(t, "SHA256-s1--y")
	c, _, _ = dial(t, &Server{Repo: repo})
	if err := c.Put(t.Context(), other, "", text("xyz")); err == nil {
		t.Error("the server took it")
	}
}

func TestFullDiskIsReported(t *testing.T) {
	repo := newMemory()
	repo.full = true
	c, _, _ := dial(t, &Server{Repo: repo})
	err := c.Put(t.Context(), key(t, "SHA256-s2--x"), "", text("ab"))
	if err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Error(err)
	}
}

func TestContextEndsAStalledAnswer(t *testing.T) {
	a, b := pipes(t)
	go io.WriteString(b, "AUTH-SUCCESS u\n")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := NewClient(ctx, a, a, a); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

func TestVanishedClientsLockIsNoted(t *testing.T) {
	repo, k := newMemory(), key(t, "SHA256-s1--x")
	repo.content[k] = []byte("a")
	c, _, done := dial(t, &Server{Repo: repo})
	if err := c.Lock(t.Context(), k); err != nil {
		t.Fatal(err)
	}
	c.Close()
	<-done
	if repo.unclean != 1 || repo.locked[k] != 0 {
		t.Errorf("%+v", repo)
	}
}

func TestServerSurvivesNonsense(t *testing.T) {
	in := "BOGUS\nVERSION 9\nUNLOCKCONTENT\nCHECKPRESENT ../x\nERROR bye\n"
	var out bytes.Buffer
	if err := (&Server{UUID: "u", Repo: newMemory()}).Serve(t.Context(), strings.NewReader(in), &out); err != nil {
		t.Error(err)
	}
	want := "AUTH-SUCCESS u\nERROR unknown command\nVERSION 3\nERROR unexpected command\nERROR unknown command\n"
	if out.String() != want {
		t.Errorf("%q", out.String())
	}
	endless := io.MultiReader(strings.NewReader("CHECKPRESENT "), zeros{})
	if err := (&Server{Repo: newMemory()}).Serve(t.Context(), endless, io.Discard); !errors.Is(err, ErrLineTooLong) {
		t.Error(err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func FuzzServe(f *testing.F) {
	f.Add([]byte("VERSION 1\nPUT f SHA256-s3--x\nDATA 3\nabcVALID\nGET 1  SHA256-s3--x\nSUCCESS\nREMOVE SHA256-s3--x\n"))
	f.Add([]byte("LOCKCONTENT SHA256-s1--a\nUNLOCKCONTENT\nPUT  SHA256-s3--x\nDATA 9\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		repo := newMemory()
		repo.content[key(t, "SHA256-s1--a")] = []byte("a")
		(&Server{Repo: repo, Clock: func() int64 { return 0 }}).Serve(t.Context(), bytes.NewReader(in), io.Discard)
		for k, n := range repo.locked {
			if n != 0 {
				t.Fatalf("%s is still locked", k)
			}
		}
	})
}
