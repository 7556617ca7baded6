// Package http reads the annexes of git repositories that lie behind a plain
// web server: their configuration tells who they are, their objects are files.
// Addresses of private networks are asked only where git-annex's settings
// allow that. Nothing can be stored or removed.
package http

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"hash"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/fetchurl"
)

// Remote is a repository behind a web server. It is a remote.Resumer,
// Describer, Streamer and Closer.
type Remote struct {
	spec   remote.Spec
	client *fetchurl.Client
	temp   string // folder for the configuration while it is read

	mu   sync.Mutex
	uuid string
	base string // address of the git folder; "" before the server was asked
	bare bool
}

// Handles reports whether the address is of this kind.
func Handles(address string) bool {
	return strings.HasPrefix(address, "http://") || strings.HasPrefix(address, "https://")
}

// Open prepares for the remote. Where its UUID is not configured yet, the server
// is asked for it, else nothing happens before the first use. Errors:
// remote.ErrNoAnnex, and the server's own.
func Open(ctx context.Context, s remote.Setup) (*Remote, error) {
	r := &Remote{spec: s.Spec, client: fetchurl.New(s), temp: s.Temp(), uuid: s.UUID}
	if r.uuid != "" {
		return r, nil
	}
	if _, _, err := r.place(ctx); err != nil {
		r.client.Close()
		return nil, fmt.Errorf("remote %s: %w", s.Name, err)
	}
	return r, nil
}

// Name returns the remote's name in our configuration.
func (r *Remote) Name() string { return r.spec.Name }

// UUID returns the identity of its annex.
func (r *Remote) UUID() string { return r.uuid }

// Streams implements remote.Streamer.
func (r *Remote) Streams() {}

// Describe implements remote.Describer.
func (r *Remote) Describe() [][2]string {
	u, err := url.Parse(r.spec.URL)
	if err != nil {
		return nil
	}
	return [][2]string{{"url", u.Redacted()}}
}

// Close gives up connections.
func (r *Remote) Close() error {
	r.client.Close()
	return nil
}

// place returns where the git folder is and whether it is that of a bare
// repository. It asks the server once, and whether the repository is still the
// one that we know.
func (r *Remote) place(ctx context.Context) (base string, bare bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.base != "" {
		return r.base, r.bare, nil
	}
	plain := strings.TrimRight(r.spec.URL, "/")
	for _, base := range []string{plain, plain + "/.git"} {
		cfg, err := r.config(ctx, base)
		if errors.Is(err, remote.ErrAbsent) {
			continue
		}
		if err != nil {
			return "", false, err
		}
		return r.settle(base, cfg)
	}
	return "", false, remote.ErrNoAnnex
}

// settle remembers what the repository's configuration says.
func (r *Remote) settle(base string, cfg *git.Config) (string, bool, error) {
	uuid := cfg.Get("annex.uuid")
	if uuid == "" {
		return "", false, remote.ErrNoAnnex
	}
	if r.uuid != "" && r.uuid != uuid {
		return "", false, &remote.MismatchError{Name: r.spec.Name, Want: r.uuid, Have: uuid}
	}
	r.uuid, r.base, r.bare = uuid, base, cfg.Bool("core.bare", false)
	return r.base, r.bare, nil
}

// maxConfig bounds the configuration of another repository, in bytes.
const maxConfig = 1 << 20

// config reads the repository's configuration. A page that is none is as good
// as no repository.
func (r *Remote) config(ctx context.Context, base string) (*git.Config, error) {
	if err := os.MkdirAll(r.temp, 0o777); err != nil {
		return nil, err
	}
	tmp := filepath.Join(r.temp, fsx.TempPrefix+strings.ToLower(rand.Text()[:16]))
	defer os.Remove(tmp)
	err := r.client.Fetch(remote.WithBound(ctx, maxConfig), annexkey.New("WORM", "config"), base+"/config", tmp, 0, nil)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(tmp)
	if err != nil {
		return nil, err
	}
	cfg, err := git.ParseConfigFile(string(text))
	if err != nil {
		return nil, remote.ErrAbsent
	}
	return cfg, nil
}

// each tries both places where the key's object may be.
func (r *Remote) each(ctx context.Context, k annexkey.Key, try func(address string) error) error {
	if err := k.Safe(); err != nil {
		return err
	}
	base, bare, err := r.place(ctx)
	if err != nil {
		return err
	}
	file := url.PathEscape(k.File())
	paths := []string{k.HashMixed(), k.HashLower()}
	if bare {
		paths[0], paths[1] = paths[1], paths[0]
	}
	for _, p := range paths {
		err = try(base + "/annex/objects/" + p + "/" + file + "/" + file)
		if !errors.Is(err, remote.ErrAbsent) {
			return err
		}
	}
	return err
}

// Present implements remote.Remote: the server must show a file of the right
// size.
func (r *Remote) Present(ctx context.Context, k annexkey.Key) (bool, error) {
	err := r.each(ctx, k, func(address string) error {
		size, err := r.client.Size(ctx, address)
		if err == nil && k.Size >= 0 && size >= 0 && size != k.Size {
			err = remote.ErrAbsent
		}
		return err
	})
	if errors.Is(err, remote.ErrAbsent) {
		return false, nil
	}
	return err == nil, err
}

// Fetch implements remote.Remote.
func (r *Remote) Fetch(ctx context.Context, k annexkey.Key, dst string, h hash.Hash) error {
	return r.FetchFrom(ctx, k, dst, 0, h)
}

// FetchFrom implements remote.Resumer.
func (r *Remote) FetchFrom(ctx context.Context, k annexkey.Key, dst string, offset int64, h hash.Hash) error {
	return r.each(ctx, k, func(address string) error {
		return r.client.Fetch(ctx, k, address, dst, offset, h)
	})
}
