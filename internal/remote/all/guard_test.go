package all

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/crypt"
	"github.com/stemma-data/stemma/internal/remote/remotetest"
)

// encrypted opens an encrypted folder.
func encrypted(t *testing.T, settings ...[2]string) remote.Keeper {
	t.Helper()
	s := remote.Setup{
		Spec: remote.Spec{Name: "d", Kind: remote.Special, UUID: "u"}, GitDir: t.TempDir(), Logs: remotetest.NewLogs(),
		Settings: git.NewConfig(append(settings, [2]string{"remote.d.annex-directory", t.TempDir()})...),
		Config:   map[string]string{"type": "directory", "encryption": "shared", "chunk": "1kb"},
	}
	var err error
	if s.Config, _, err = crypt.Create(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	r, err := Open(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return r.(remote.Keeper)
}

func TestUnverifiableContentIsNotDecrypted(t *testing.T) {
	k := annexkey.New("WORM", "x")
	src := filepath.Join(t.TempDir(), "f")
	os.WriteFile(src, []byte("abc"), 0o600)
	fetch := func(r remote.Keeper) error {
		if err := r.Store(context.Background(), k, remote.Content{Path: src, Size: 3}); err != nil {
			t.Fatal(err)
		}
		return r.Fetch(context.Background(), k, filepath.Join(t.TempDir(), "got"), nil)
	}
	if fetch(encrypted(t)) == nil {
		t.Error("it was")
	}
	if err := fetch(encrypted(t, [2]string{"annex.security.allow-unverified-downloads", "ACKTHPPT"})); err != nil {
		t.Error(err)
	}
	r := encrypted(t, [2]string{"remote.d.annex-readonly", "true"})
	if r.Store(context.Background(), k, remote.Content{Path: src, Size: 3}) == nil || r.Remove(context.Background(), k) == nil {
		t.Error("a remote that is only read was written to")
	}
}

func TestUnknownKindsAreNamed(t *testing.T) {
	for _, config := range []map[string]string{{}, {"type": "glacier"}, {"type": "httpalso", "exporttree": "yes"}, {"type": "rsync", "exporttree": "yes", "importtree": "yes"}} {
		s := remote.Setup{Spec: remote.Spec{Name: "x", Kind: remote.Special, UUID: "u"}, Settings: git.NewConfig(), Config: config}
		r, err := Open(t.Context(), s)
		if err == nil || r != nil || len(config) > 0 && !errors.Is(err, remote.ErrUnsupported) {
			t.Errorf("%v: %v %v", config, r, err)
		}
	}
}

func TestTheBranchAloneRunsNoProgram(t *testing.T) {
	s := remote.Setup{Spec: remote.Spec{Name: "x", Kind: remote.Special, UUID: "u"}, Settings: git.NewConfig([2]string{"remote.x.annex-directory", "/d"}),
		Config: map[string]string{"type": "external", "externaltype": "evil", "encryption": "none"}}
	if _, err := Open(t.Context(), s); err == nil || !strings.Contains(err.Error(), "was not enabled") {
		t.Error(err)
	}
	s.Settings = git.NewConfig([2]string{"remote.x.annex-externaltype", "evil"})
	s.Config["externaltype"] = "ora"
	if program(s) != "evil" {
		t.Error("a program passes for our own code")
	}
}
