package all

import (
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/remote"
)

// A repository by ssh that is only read can be relied on, not written to.
func TestReadOnlyRepository(t *testing.T) {
	r, err := Open(t.Context(), remote.Setup{
		Spec:     remote.Spec{Name: "o", Kind: remote.Network, UUID: "u", URL: "ssh://host.invalid/path"},
		Settings: git.NewConfig([2]string{"remote.o.annex-readonly", "yes"}), GitDir: t.TempDir(),
	})
	if err != nil {
		t.Fatal(err)
	}
	k := annexkey.New("WORM", "x")
	keeper := r.(remote.Keeper)
	for _, err := range []error{keeper.Store(t.Context(), k, remote.Content{}), keeper.Remove(t.Context(), k)} {
		if err == nil || !strings.Contains(err.Error(), "only read") {
			t.Errorf("a write: %v", err)
		}
	}
	if _, ok := r.(remote.TimedRemover); ok {
		t.Error("content can be removed in time")
	}
	if _, ok := r.(remote.Locker); !ok {
		t.Error("its content cannot be locked")
	}
	if _, ok := remote.As[remote.Closer](r); !ok {
		t.Error("its connections cannot be closed")
	}
}
