package chunk

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/remotetest"
)

func TestConformance(t *testing.T) {
	for _, size := range []int64{0, 1000, 1 << 20} {
		remotetest.Run(t, func(t *testing.T) remotetest.Case {
			m, logs := remotetest.NewMemory(), remotetest.NewLogs()
			return remotetest.Case{Keeper: New(m, size, logs, t.TempDir()), Big: 200000}
		})
	}
}

func storeFile(t *testing.T, r *Remote, content []byte) annexkey.Key {
	t.Helper()
	path := filepath.Join(t.TempDir(), "f")
	os.WriteFile(path, content, 0o600)
	k := remotetest.KeyOf(content)
	if err := r.Store(context.Background(), k, remote.Content{Path: path, Size: k.Size}); err != nil {
		t.Fatal(err)
	}
	return k
}

func TestChunksAreNamedAndRecordedAsGitAnnexDoes(t *testing.T) {
	m, logs := remotetest.NewMemory(), remotetest.NewLogs()
	r := New(m, 1000, logs, t.TempDir())
	k := storeFile(t, r, remotetest.Bytes(2500, 1))
	log := string(logs.Files[annexlog.KeyPath(k, annexlog.ChunkSuffix)])
	if log != "1s m:1000 3\n" {
		t.Errorf("chunk log %q", log)
	}
	last := k
	last.ChunkSize, last.ChunkNum = 1000, 3
	if len(m.Objects[last.String()]) != 500 || len(m.Objects) != 3 {
		t.Errorf("%d objects, last %d bytes", len(m.Objects), len(m.Objects[last.String()]))
	}
	empty := storeFile(t, r, nil)
	if !strings.Contains(string(logs.Files[annexlog.KeyPath(empty, annexlog.ChunkSuffix)]), "m:1000 1\n") {
		t.Error("empty content has one chunk")
	}
	if err := r.Remove(context.Background(), k); err != nil {
		t.Fatal(err)
	}
	if log := string(logs.Files[annexlog.KeyPath(k, annexlog.ChunkSuffix)]); !strings.HasSuffix(log, "s m:1000 0\n") {
		t.Errorf("chunk log after removal %q", log)
	}
}

// TestOtherSizesAreRead: content that was stored under another configuration.
func TestOtherSizesAreRead(t *testing.T) {
	m, logs := remotetest.NewMemory(), remotetest.NewLogs()
	content := remotetest.Bytes(2500, 2)
	k := storeFile(t, New(m, 700, logs, t.TempDir()), content)
	for _, size := range []int64{0, 700, 900} {
		dst := filepath.Join(t.TempDir(), "got")
		r := New(m, size, logs, t.TempDir())
		if err := r.Fetch(context.Background(), k, dst, nil); err != nil {
			t.Errorf("chunk=%d: %v", size, err)
		}
	}
	// Without a record the configuration is the guess.
	r := New(m, 700, remotetest.NewLogs(), t.TempDir())
	if ok, err := r.Present(context.Background(), k); !ok || err != nil {
		t.Errorf("unrecorded: %v %v", ok, err)
	}
}

func TestABrokenStoreGoesOn(t *testing.T) {
	m, logs := remotetest.NewMemory(), remotetest.NewLogs()
	content := remotetest.Bytes(5000, 3)
	k := storeFile(t, New(m, 1000, logs, t.TempDir()), content)
	third := k
	third.ChunkSize, third.ChunkNum = 1000, 3
	delete(m.Objects, third.String())
	r := New(m, 1000, logs, t.TempDir())
	if ok, _ := r.Present(context.Background(), k); ok {
		t.Error("present without a chunk")
	}
	if err := r.Fetch(context.Background(), k, filepath.Join(t.TempDir(), "x"), nil); err == nil {
		t.Error("fetched without a chunk")
	}
	m.Stores = 0
	storeFile(t, r, content)
	if m.Stores != 3 {
		t.Errorf("%d chunks were stored, want the third to the last", m.Stores)
	}
}

func TestHostileLogs(t *testing.T) {
	m, logs := remotetest.NewMemory(), remotetest.NewLogs()
	k := remotetest.KeyOf([]byte("x"))
	logs.Files[annexlog.KeyPath(k, annexlog.ChunkSuffix)] = []byte("1s m:1 99999999999\n2s m:-5 3\n3s m:0 1\n4s m:x 1\n5s m:7 -1\n")
	r := New(m, 0, logs, t.TempDir())
	if ok, err := r.Present(context.Background(), k); ok || err != nil {
		t.Errorf("%v %v", ok, err)
	}
}

// A log that claims fewer chunks than the content has must not turn a part into
// a copy on which a drop relies.
func TestAPartIsNoCopy(t *testing.T) {
	m, logs := remotetest.NewMemory(), remotetest.NewLogs()
	r := New(m, 1000, logs, t.TempDir())
	k := storeFile(t, r, remotetest.Bytes(2500, 1))
	logs.Files[annexlog.KeyPath(k, annexlog.ChunkSuffix)] = []byte("2s m:1000 1\n")
	for i := int64(2); i <= 3; i++ {
		delete(m.Objects, split{1000, 3}.key(k, i).String())
	}
	if ok, err := r.Present(t.Context(), k); ok || err != nil {
		t.Error(ok, err)
	}
	for _, c := range [][3]int64{{0, 1000, 1}, {1, 1000, 1}, {1000, 1000, 1}, {1001, 1000, 2}, {1 << 62, 1<<63 - 1, 1}} {
		if n := countOf(c[0], c[1]); n != c[2] {
			t.Errorf("countOf%v is %d", c, n)
		}
	}
}
