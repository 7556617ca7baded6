package transfer

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/local"
)

// keeper is a fake that gives content up.
type keeper struct {
	fake
	removed  int
	deadline int64
}

func (k *keeper) Store(context.Context, annexkey.Key, remote.Content) error { return nil }
func (k *keeper) Remove(context.Context, annexkey.Key) error                { k.removed++; return nil }

// timed is one with a clock.
type timed struct{ keeper }

func (k *timed) Deadline(_ context.Context, d time.Duration) (int64, error) {
	return 1000 + int64(d/time.Second), nil
}
func (k *timed) RemoveBefore(_ context.Context, _ annexkey.Key, deadline int64) error {
	k.removed, k.deadline = k.removed+1, deadline
	return nil
}

func TestDropFrom(t *testing.T) {
	yes := []bool{true}
	seen := &fake{uuid: "seen", present: yes}
	for name, c := range map[string]struct {
		proof Proof
		own   bool
		want  string
	}{
		"nothing asked":           {Proof{}, false, ""},
		"our copy":                {Proof{Need: 1, Locked: 1}, true, ""},
		"no copy":                 {Proof{Need: 1, Locked: 1}, false, "existence of 0 out of 1"},
		"only seen":               {Proof{Need: 1, Locked: 1, Ask: []remote.Remote{seen}}, false, "lock down 0 out of 1"},
		"seen is enough":          {Proof{Need: 1, Ask: []remote.Remote{seen}}, false, ""},
		"trusted":                 {Proof{Need: 1, Locked: 1, Trusted: []string{"t"}}, false, ""},
		"seen first, then locked": {Proof{Need: 1, Locked: 1, Ask: []remote.Remote{seen, &locking{fake: fake{uuid: "a"}}}}, false, ""},
		"the lock is lost":        {Proof{Need: 1, Locked: 1, Ask: []remote.Remote{&locking{fake: fake{uuid: "a"}, heldErr: remote.ErrAbsent}}}, false, "0 out of 1"},
	} {
		t.Run(name, func(t *testing.T) {
			store := &local.Store{Dir: filepath.Join(t.TempDir(), "annex"), Version: "10"}
			k := keyOf([]byte("x"))
			if c.own {
				object := filepath.Join(store.Dir, "objects", k.ObjectPath())
				os.MkdirAll(filepath.Dir(object), 0o755)
				os.WriteFile(object, []byte("x"), 0o444)
			}
			from := &timed{keeper{fake: fake{uuid: "from"}}}
			err := DropFrom(t.Context(), store, "here", from, k, c.proof)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%v, want %q", err, c.want)
			}
			if (from.removed == 1) != (c.want == "") || err == nil && from.deadline != 1300 {
				t.Errorf("%+v", from)
			}
		})
	}
}

// placedKeeper is one whose content lies in a file of this machine.
type placedKeeper struct {
	keeper
	path string
}

func (k *placedKeeper) Locate(annexkey.Key) (string, bool) { return k.path, true }

func TestTheFileThatGoesIsNoProof(t *testing.T) {
	dir, k := t.TempDir(), keyOf([]byte("x"))
	path, other := filepath.Join(dir, "x"), filepath.Join(dir, "y")
	for _, p := range []string{path, other} {
		if err := os.WriteFile(p, []byte("x"), 0o444); err != nil {
			t.Fatal(err)
		}
	}
	store := &local.Store{Dir: filepath.Join(dir, "annex"), Version: "10"}
	for to, want := range map[string]int{path: 0, other: 1} {
		from := &placedKeeper{keeper{fake: fake{uuid: "from"}}, path}
		same := &placed{fake: fake{uuid: "to", present: []bool{true}}, path: to}
		err := DropFrom(t.Context(), store, "", from, k, Proof{Need: 1, Ask: []remote.Remote{same}})
		if (err == nil) != (want == 1) || from.removed != want {
			t.Errorf("%s: %v, removed %d times", to, err, from.removed)
		}
	}
}
