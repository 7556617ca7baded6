package ora

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/remotetest"
)

// countingSSH is fakeSSH that notes each of its calls in a file.
func countingSSH(t *testing.T, before string) (setting [2]string, calls func() int) {
	dir := t.TempDir()
	script, log := filepath.Join(dir, "ssh.sh"), filepath.Join(dir, "log")
	text := fmt.Sprintf("#!/bin/sh\necho call >> '%s'\n%s\nwhile [ $# -gt 1 ]; do shift; done\nexec sh -c \"$1\"\n", log, before)
	if err := os.WriteFile(script, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return [2]string{"core.sshcommand", script}, func() int {
		text, _ := os.ReadFile(log)
		return strings.Count(string(text), "call")
	}
}

func TestManyFilesOneConnection(t *testing.T) {
	setting, calls := countingSSH(t, "echo 'Welcome to host'")
	r := open(t, setup(t, "ria+ssh://host"+store(t, "2"), setting))
	dir := t.TempDir()
	for i := range 30 {
		content := remotetest.Bytes(100*i, uint64(i))
		k := remotetest.KeyOf(content)
		src, dst := filepath.Join(dir, fmt.Sprint("s", i)), filepath.Join(dir, fmt.Sprint("d", i))
		if err := os.WriteFile(src, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := r.Store(t.Context(), k, remote.Content{Path: src, Size: int64(len(content))}); err != nil {
			t.Fatal(err)
		}
		if ok, err := r.Present(t.Context(), k); !ok || err != nil {
			t.Fatal(ok, err)
		}
		if err := r.Fetch(t.Context(), k, dst, nil); err != nil {
			t.Fatal(err)
		}
		if got, _ := os.ReadFile(dst); string(got) != string(content) {
			t.Errorf("%d: other content", i)
		}
		if err := r.Remove(t.Context(), k); err != nil {
			t.Fatal(err)
		}
		if err := r.Fetch(t.Context(), k, dst+"x", nil); !errors.Is(err, remote.ErrAbsent) {
			t.Error(err)
		}
	}
	// One more looks for an archive, for what is in no file.
	if n := calls(); n > 2 {
		t.Errorf("%d connections", n)
	}
}

func TestASessionThatDiedIsReplaced(t *testing.T) {
	setting, calls := countingSSH(t, "")
	r := open(t, setup(t, "ria+ssh://host"+store(t, "2"), setting))
	h := r.read.host.(*there)
	for range 3 {
		if _, err := h.size(t.Context(), r.read.dir+"/config"); err != nil {
			t.Fatal(err)
		}
		for _, s := range h.pool.idle {
			_ = s.process.Kill()
			_ = s.process.Wait()
		}
	}
	if n := calls(); n != 3 {
		t.Errorf("%d connections", n)
	}
}

func TestSilentHostsAreGivenUp(t *testing.T) {
	setting, _ := countingSSH(t, "exec sleep 60")
	s := setup(t, "ria+ssh://host"+store(t, "2"), setting, [2]string{"annex.stalldetection", "1KB/300ms"})
	r := open(t, s)
	if ok, err := r.Present(context.Background(), remotetest.KeyOf(nil)); ok || !errors.Is(err, remote.ErrStalled) {
		t.Errorf("%v %v", ok, err)
	}
}

func TestStrangeNamesThere(t *testing.T) {
	setting, _ := countingSSH(t, "")
	r := open(t, setup(t, "ria+ssh://host"+store(t, "2"), setting))
	h := r.read.host.(*there)
	if _, err := h.size(t.Context(), "/x\nPUT"); err == nil || errors.Is(err, remote.ErrAbsent) {
		t.Error(err)
	}
	for _, name := range []string{"/tmp/$(touch x)", "/tmp/ a\\ b'\"", "/tmp/*"} {
		if _, err := h.size(t.Context(), name); !errors.Is(err, remote.ErrAbsent) {
			t.Errorf("%q: %v", name, err)
		}
	}
}
