package rsync

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/remotetest"
)

// transport plays ssh: it runs on this machine what it is given for the host.
const transport = "#!/bin/sh\nshift\nexec sh -c \"$*\"\n"

func fresh(t *testing.T) (*Remote, string) {
	t.Helper()
	if _, err := exec.LookPath("rsync"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("rsync is needed")
		}
		t.Skip("rsync is not installed")
	}
	base := t.TempDir()
	shell, dir := filepath.Join(base, "ssh.sh"), filepath.Join(base, "the store")
	os.WriteFile(shell, []byte(transport), 0o755)
	os.Mkdir(dir, 0o755)
	r, err := open(remote.Setup{
		Spec: remote.Spec{Name: "r", UUID: "u"}, GitDir: base, Env: os.Environ(),
		Settings: git.NewConfig([2]string{"remote.r.annex-rsync-transport", shell}),
	}, "host:"+dir)
	if err != nil {
		t.Fatal(err)
	}
	return r, dir
}

func TestConformance(t *testing.T) {
	remotetest.Run(t, func(t *testing.T) remotetest.Case {
		r, dir := fresh(t)
		return remotetest.Case{Keeper: r, Damage: func(t *testing.T, k annexkey.Key, content []byte) {
			object := filepath.Join(dir, filepath.FromSlash(k.ObjectPathLower()))
			os.Remove(object)
			if err := os.WriteFile(object, content, 0o644); err != nil {
				t.Fatal(err)
			}
		}}
	})
}

func TestConformanceOfALocalFolder(t *testing.T) {
	remotetest.Run(t, func(t *testing.T) remotetest.Case {
		r, err := Open(remote.Setup{Spec: remote.Spec{Name: "r", UUID: "u"}, Settings: git.NewConfig([2]string{"remote.r.annex-rsyncurl", t.TempDir()})})
		if err != nil {
			t.Fatal(err)
		}
		return remotetest.Case{Keeper: r}
	})
}

func TestAnUnreachableHostIsNotAbsence(t *testing.T) {
	r, _ := fresh(t)
	r.shell = "/bin/false"
	if ok, err := r.Present(context.Background(), remotetest.KeyOf(nil)); ok || err == nil {
		t.Errorf("%v %v", ok, err)
	}
}

func TestLinksThereAreNotFollowedHere(t *testing.T) {
	r, dir := fresh(t)
	k := annexkey.New("WORM", "x")
	object := filepath.Join(dir, filepath.FromSlash(k.ObjectPathLower()))
	os.MkdirAll(filepath.Dir(object), 0o755)
	os.Symlink("/etc/passwd", object)
	dst := filepath.Join(t.TempDir(), "got")
	if err := r.Fetch(context.Background(), k, dst, nil); err == nil {
		t.Error("a symlink was fetched")
	}
	if _, err := os.Lstat(dst); err == nil {
		t.Error("something was left")
	}
}

func TestOptionsAreNoURLs(t *testing.T) {
	for _, url := range []string{"-oProxyCommand=x:/y", "u@-oProxyCommand=x:/y", "a\nb:c",
		"[-oProxyCommand=x]:/y", "u@[-oProxyCommand=x]:/y", "host:$(touch x)", "host:`touch x`", "host:a;touch x", "host:a|x", "h:a\rb"} {
		if _, err := Open(remote.Setup{Spec: remote.Spec{Name: "r"}, Settings: git.NewConfig([2]string{"remote.r.annex-rsyncurl", url})}); err == nil {
			t.Errorf("%q was accepted", url)
		}
	}
}

func TestURLsAreAccepted(t *testing.T) {
	for _, url := range []string{"host:", "host:/a b", "u@host:~/a@-b", "[::1]:/x", "u@[fe80::1%eth0]:x", "host::module/x", "rsync://u@host:873/m/x", "h:/it's"} {
		if !acceptable(url) {
			t.Errorf("%q was refused", url)
		}
	}
}

// TestManyFilesFewCalls: what waits for rsync together goes together.
func TestManyFilesFewCalls(t *testing.T) {
	r, _ := fresh(t)
	dir := t.TempDir()
	log := filepath.Join(dir, "log")
	counting := "#!/bin/sh\necho call >> '" + log + "'\nshift\nexec sh -c \"$*\"\n"
	os.WriteFile(r.shell, []byte(counting), 0o755)
	const n = 40
	var group errgroup.Group
	for i := range n {
		group.Go(func() error {
			content := remotetest.Bytes(1000, uint64(i))
			k, name := remotetest.KeyOf(content), filepath.Join(dir, fmt.Sprint(i))
			if err := os.WriteFile(name, content, 0o600); err != nil {
				return err
			}
			if err := r.Store(t.Context(), k, remote.Content{Path: name, Size: 1000}); err != nil {
				return err
			}
			if err := r.Fetch(t.Context(), k, name+".got", nil); err != nil {
				return err
			}
			got, err := os.ReadFile(name + ".got")
			if !bytes.Equal(got, content) {
				err = errors.Join(err, fmt.Errorf("%d: other content", i))
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	text, _ := os.ReadFile(log)
	if calls := bytes.Count(text, []byte("call")); calls > n {
		t.Errorf("%d calls for three requests about each of %d files", calls, n)
	}
}

func TestASilentHostIsGivenUp(t *testing.T) {
	r, _ := fresh(t)
	os.WriteFile(r.shell, []byte("#!/bin/sh\nexec sleep 60\n"), 0o755)
	r.setup.Settings = git.NewConfig([2]string{"annex.stalldetection", "1KB/300ms"})
	if ok, err := r.Present(t.Context(), remotetest.KeyOf(nil)); ok || !errors.Is(err, remote.ErrStalled) {
		t.Errorf("%v %v", ok, err)
	}
}
