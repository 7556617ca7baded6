// Package remotetest is the suite that every implementation of remote.Keeper
// must pass, on storage that really keeps content. It knows remotes only by
// their interfaces.
package remotetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/remote"
)

// Case is one remote with fresh, empty storage.
type Case struct {
	remote.Keeper
	// Damage changes what is stored of the key to the content, behind the
	// remote's back; nil where a test cannot.
	Damage func(t *testing.T, k annexkey.Key, content []byte)
	// Strict says that content which does not belong to its key is found out by
	// the remote itself (encryption), not by the hash.
	Strict bool
	// Big is the size in bytes of the big content; 0 is 3 MiB.
	Big int
	// NoOddKeys is set where names that are not UTF-8 cannot be stored.
	NoOddKeys bool
	// NoDots is set where names that look like paths out of the storage are
	// refused by the other side.
	NoDots bool
	// NoBlanks is set where a key with a blank is refused.
	NoBlanks bool
}

// Run tests the remotes that fresh returns, one for each part.
func Run(t *testing.T, fresh func(t *testing.T) Case) {
	for _, p := range parts() {
		p.run(t, fresh)
	}
}

// RunPart is Run for one part by its name, where the whole would take long.
func RunPart(t *testing.T, name string, fresh func(t *testing.T) Case) {
	for _, p := range parts() {
		if p.name == name {
			p.run(t, fresh)
		}
	}
}

type part struct {
	name string
	test func(*testing.T, *suite)
}

func parts() []part {
	return []part{
		{"StoreAndFetch", testStoreAndFetch},
		{"Remove", testRemove},
		{"OddKeys", testOddKeys},
		{"Big", testBig},
		{"Concurrent", testConcurrent},
		{"Cancelled", testCancelled},
		{"Damaged", testDamaged},
		{"Resume", testResume},
		{"BrokenStore", testBrokenStore},
		{"Bounds", testBounds},
	}
}

func (p part) run(t *testing.T, fresh func(t *testing.T) Case) {
	t.Run(p.name, func(t *testing.T) {
		c := fresh(t)
		if closer, ok := remote.As[remote.Closer](c.Keeper); ok {
			t.Cleanup(func() { closer.Close() })
		}
		p.test(t, &suite{c, t.TempDir()})
	})
}

type suite struct {
	Case
	dir string
}

// Bytes are n bytes that look like chance and are always the same.
func Bytes(n int, seed uint64) []byte {
	var key [32]byte
	key[0], key[1] = byte(seed), byte(seed>>8)
	b := make([]byte, n)
	rand.NewChaCha8(key).Read(b)
	return b
}

// KeyOf is the content's SHA256E key with an extension.
func KeyOf(content []byte) annexkey.Key {
	sum := sha256.Sum256(content)
	k := annexkey.New("SHA256E", hex.EncodeToString(sum[:])+".dat")
	k.Size = int64(len(content))
	return k
}

// Store puts the content there under the key.
func (s *suite) store(t *testing.T, k annexkey.Key, content []byte) {
	t.Helper()
	if err := s.tryStore(context.Background(), k, content); err != nil {
		t.Fatalf("store %s: %v", k, err)
	}
}

func (s *suite) tryStore(ctx context.Context, k annexkey.Key, content []byte) error {
	f, err := os.CreateTemp(s.dir, "content")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if _, err = f.Write(content); err != nil {
		return err
	}
	f.Close()
	return s.Store(ctx, k, remote.Content{Path: f.Name(), Size: int64(len(content))})
}

// fetch brings the key here and checks that the hash saw what the file has.
func (s *suite) fetch(ctx context.Context, k annexkey.Key) ([]byte, error) {
	dst := filepath.Join(s.dir, fmt.Sprintf("fetched-%d", rand.Uint64()))
	h := sha256.New()
	if err := s.Fetch(ctx, k, dst, h); err != nil {
		if _, serr := os.Lstat(dst); serr == nil {
			return nil, fmt.Errorf("left a file after: %w", err)
		}
		return nil, err
	}
	return readHashed(dst, h)
}

func readHashed(dst string, h hash.Hash) ([]byte, error) {
	data, err := os.ReadFile(dst)
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(data); !bytes.Equal(h.Sum(nil), sum[:]) {
		return nil, errors.New("the hash has not seen what the file holds")
	}
	return data, nil
}

func (s *suite) wantPresent(t *testing.T, k annexkey.Key, want bool) {
	t.Helper()
	if ok, err := s.Present(context.Background(), k); ok != want || err != nil {
		t.Errorf("present %s: %v, %v; want %v", k, ok, err, want)
	}
}

func (s *suite) wantContent(t *testing.T, k annexkey.Key, want []byte) {
	t.Helper()
	got, err := s.fetch(context.Background(), k)
	if err != nil {
		t.Errorf("fetch %s: %v", k, err)
	} else if !bytes.Equal(got, want) {
		t.Errorf("fetch %s: %d bytes, want %d: other content", k, len(got), len(want))
	}
}

func testStoreAndFetch(t *testing.T, s *suite) {
	for _, content := range [][]byte{[]byte("hello\n"), {}, Bytes(70000, 1)} {
		k := KeyOf(content)
		s.wantPresent(t, k, false)
		if _, err := s.fetch(context.Background(), k); !errors.Is(err, remote.ErrAbsent) {
			t.Errorf("fetch of what is not there: %v", err)
		}
		s.store(t, k, content)
		s.wantPresent(t, k, true)
		s.wantContent(t, k, content)
		s.store(t, k, content) // once more is success
		s.wantContent(t, k, content)
	}
	if s.Name() == "" || s.UUID() == "" {
		t.Error("no name or no UUID")
	}
}

func testRemove(t *testing.T, s *suite) {
	ctx := context.Background()
	a, b := []byte("remove me"), []byte("keep me")
	if err := s.Remove(ctx, KeyOf(a)); err != nil {
		t.Errorf("remove what is not there: %v", err)
	}
	s.store(t, KeyOf(a), a)
	s.store(t, KeyOf(b), b)
	if err := s.Remove(ctx, KeyOf(a)); err != nil {
		t.Fatal(err)
	}
	s.wantPresent(t, KeyOf(a), false)
	s.wantContent(t, KeyOf(b), b)
	s.store(t, KeyOf(a), a)
	s.wantContent(t, KeyOf(a), a)
}

func testOddKeys(t *testing.T, s *suite) {
	names := []string{
		"URL--http://example.com/foo%20bar?x=1&y=2:3", "WORM-s4-m1287765018--t/a,32b%c:d&e,,f.txt",
		"URL-s4--http&c%%example.com", "WORM-s4-m5--.", "WORM-s4-m5--日本",
	}
	if !s.NoBlanks {
		names = append(names, "XFOO-s4--a b'c\"d$e`f;g*h[i]")
	}
	if !s.NoDots {
		names = append(names, "WORM-s4--../../x")
	}
	if !s.NoOddKeys {
		names = append(names, "WORM-s4-m7--\xff\xfe\x80")
	}
	for i, name := range names {
		k, err := annexkey.Parse(name)
		if err != nil {
			t.Fatal(err)
		}
		content := fmt.Appendf(nil, "k%03d", i)
		s.store(t, k, content)
		s.wantPresent(t, k, true)
	}
	for i, name := range names {
		k, _ := annexkey.Parse(name)
		s.wantContent(t, k, fmt.Appendf(nil, "k%03d", i))
		if err := s.Remove(context.Background(), k); err != nil {
			t.Errorf("remove %s: %v", k, err)
		}
		s.wantPresent(t, k, false)
	}
	bad := annexkey.New("SHA256", "x\ny")
	if ok, err := s.Present(context.Background(), bad); ok && err == nil {
		t.Error("an unsafe key is present")
	}
	if err := s.tryStore(context.Background(), bad, nil); err == nil {
		t.Error("an unsafe key was stored")
	}
}

func testBig(t *testing.T, s *suite) {
	n := s.Case.Big
	if n == 0 {
		n = 3 << 20
	}
	content := Bytes(n+17, 2)
	s.store(t, KeyOf(content), content)
	s.wantContent(t, KeyOf(content), content)
}

func testConcurrent(t *testing.T, s *suite) {
	const writers, keys = 4, 3
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range keys {
				content := Bytes(20000, uint64(100+(i+w)%keys)) // the same keys from all sides
				if err := s.tryStore(context.Background(), KeyOf(content), content); err != nil {
					t.Errorf("store: %v", err)
					continue
				}
				if got, err := s.fetch(context.Background(), KeyOf(content)); err != nil || !bytes.Equal(got, content) {
					t.Errorf("fetch: %d bytes, %v", len(got), err)
				}
			}
		})
	}
	wg.Wait()
}

func testCancelled(t *testing.T, s *suite) {
	ctx, cancel := context.WithCancel(context.Background())
	content := Bytes(1<<20, 5)
	s.store(t, KeyOf(content), content)
	cancel()
	if _, err := s.fetch(ctx, KeyOf(content)); err == nil {
		t.Error("fetch under a context that has ended")
	}
	other := Bytes(1<<20, 6)
	if err := s.tryStore(ctx, KeyOf(other), other); err == nil {
		t.Error("store under a context that has ended")
	}
	s.wantPresent(t, KeyOf(other), false)
	s.wantContent(t, KeyOf(content), content)
}

func testDamaged(t *testing.T, s *suite) {
	if s.Damage == nil {
		t.Skip("what is stored cannot be changed by the test")
	}
	content := Bytes(50000, 7)
	k := KeyOf(content)
	for _, damaged := range [][]byte{
		append(bytes.Clone(content[:len(content)-1]), content[len(content)-1]^1), // a bit
		content[:len(content)/2],                       // cut off
		append(bytes.Clone(content), content...),       // too much
		bytes.Repeat([]byte("<html>"), len(content)/6), // something else
	} {
		s.store(t, k, content)
		s.Damage(t, k, damaged)
		got, err := s.fetch(context.Background(), k)
		sum := sha256.Sum256(got)
		if err == nil && (s.Strict || k.Verify(sum[:])) {
			t.Errorf("%d damaged bytes were not noticed", len(damaged))
		}
		if err == nil && len(got) > len(content) {
			t.Errorf("%d bytes were taken for a key of %d", len(got), len(content))
		}
		if err := s.Remove(context.Background(), k); err != nil {
			t.Fatal(err)
		}
	}
}

func testResume(t *testing.T, s *suite) {
	r, ok := s.Keeper.(remote.Resumer)
	if !ok {
		t.Skip("it does not resume")
	}
	ctx := context.Background()
	content := Bytes(300000, 8)
	k := KeyOf(content)
	dst := filepath.Join(s.dir, "partial")
	for _, have := range []int{0, 1, 150000, len(content)} {
		s.store(t, k, content)
		if err := os.WriteFile(dst, content[:have], 0o600); err != nil {
			t.Fatal(err)
		}
		h := sha256.New()
		h.Write(content[:have])
		if err := r.FetchFrom(ctx, k, dst, int64(have), h); err != nil {
			t.Errorf("resume at %d: %v", have, err)
			continue
		}
		if got, err := readHashed(dst, h); err != nil || !bytes.Equal(got, content) {
			t.Errorf("resume at %d: %d bytes, %v", have, len(got), err)
		}
	}
	absent := KeyOf([]byte("never there"))
	os.WriteFile(dst, []byte("nev"), 0o600)
	if err := r.FetchFrom(ctx, absent, dst, 3, sha256.New()); !errors.Is(err, remote.ErrAbsent) {
		t.Errorf("resume of what is not there: %v", err)
	}
	if got, _ := os.ReadFile(dst); string(got) != "nev" {
		t.Error("what had arrived is gone")
	}
}

// testBrokenStore: what could not be read to its end is not there.
func testBrokenStore(t *testing.T, s *suite) {
	ctx := context.Background()
	content := Bytes(5000, 9)
	k := KeyOf(content)
	if err := s.Store(ctx, k, remote.Content{Path: filepath.Join(s.dir, "missing"), Size: k.Size}); err == nil {
		t.Error("stored a file that is not there")
	}
	s.wantPresent(t, k, false)
	short := filepath.Join(s.dir, "short")
	os.WriteFile(short, content[:100], 0o600)
	if err := s.Store(ctx, k, remote.Content{Path: short, Size: k.Size}); err == nil {
		t.Error("stored a file that is shorter than it was")
	}
	s.wantPresent(t, k, false)
	s.store(t, k, content)
	s.wantContent(t, k, content)
}

// testBounds: content of a key without a size stops at the given bound.
func testBounds(t *testing.T, s *suite) {
	k := annexkey.New("URL", "http://example.com/endless")
	content := Bytes(100000, 10)
	s.store(t, k, content)
	s.wantContent(t, k, content)
	if got, err := s.fetch(remote.WithBound(context.Background(), 1000), k); err == nil {
		t.Errorf("%d bytes came under a bound of 1000", len(got))
	}
}
