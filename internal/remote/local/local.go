package local

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/remote"
)

// Remote is a repository that a path leads to.
type Remote struct {
	spec  remote.Spec
	uuid  string
	store Store
	opt   Options

	mu       sync.Mutex
	writable *Repository // nil until something is written there
}

// Options says how content comes from a Remote, and goes to it.
type Options struct {
	HardLink bool     // annex.hardlink: share the file instead of copying it
	Env      []string // for git in the other repository, KEY=VALUE
	From     string   // UUID of our repository
	// Description is that of an annex which has to be made there, because only
	// its git-annex branch exists.
	Description string
}

// maxConfig bounds the configuration file of another repository, in bytes.
const maxConfig = 1 << 20

// Open reads the other repository's configuration. Nothing is changed there,
// but that a repository with a git-annex branch gets its annex. Errors:
// remote.ErrNoAnnex, *remote.MismatchError, or that there is no repository.
func Open(ctx context.Context, spec remote.Spec, opt Options) (*Remote, error) {
	gitDir, err := findGitDir(spec.Dir)
	if err != nil {
		return nil, fmt.Errorf("remote %s: %w", spec.Name, err)
	}
	cfg, err := readConfig(filepath.Join(gitDir, "config"))
	if err != nil {
		return nil, fmt.Errorf("remote %s: %w", spec.Name, err)
	}
	uuid := cfg.Get("annex.uuid")
	if uuid == "" {
		if cfg, err = startAnnex(ctx, spec.Dir, gitDir, opt); err != nil {
			return nil, fmt.Errorf("remote %s: %w", spec.Name, err)
		}
		uuid = cfg.Get("annex.uuid")
	}
	if spec.UUID != "" && spec.UUID != uuid {
		return nil, &remote.MismatchError{Name: spec.Name, Want: spec.UUID, Have: uuid}
	}
	return &Remote{spec: spec, uuid: uuid, opt: opt, store: Store{
		Dir:     filepath.Join(gitDir, "annex"),
		Bare:    cfg.Bool("core.bare", false),
		Version: cfg.Get("annex.version"),
		PidLock: cfg.Bool("annex.pidlock", false),
		Guard:   annex.NewGuard(cfg, filepath.Join(gitDir, "index"), objectFormat(cfg)),
	}}, nil
}

func objectFormat(cfg *git.Config) gitobj.Format {
	if cfg.Get("extensions.objectformat") == string(gitobj.SHA256) {
		return gitobj.SHA256
	}
	return gitobj.SHA1
}

// startAnnex makes the annex of a repository that has a git-annex branch only,
// as git-annex does, and returns its configuration.
func startAnnex(ctx context.Context, dir, gitDir string, opt Options) (*git.Config, error) {
	r, err := OpenRepository(ctx, dir, RepositoryOptions{Env: opt.Env, Auto: true, Description: opt.Description})
	if err != nil {
		return nil, remote.ErrNoAnnex // also where we have no right to make it
	}
	if err := r.Close(); err != nil {
		return nil, err
	}
	cfg, err := readConfig(filepath.Join(gitDir, "config"))
	if err == nil && cfg.Get("annex.uuid") == "" {
		err = remote.ErrNoAnnex
	}
	return cfg, err
}

// findGitDir tries the places where git looks for a repository, and returns
// the folder that all its work trees share.
func findGitDir(dir string) (string, error) {
	for _, p := range []string{filepath.Join(dir, ".git"), dir, dir + ".git"} {
		fi, err := os.Stat(p)
		if err != nil {
			continue
		}
		if !fi.IsDir() {
			if p, err = followGitFile(p); err != nil {
				return "", err
			}
		}
		if exists(filepath.Join(p, "HEAD")) {
			return commonDir(p), nil
		}
	}
	return "", fmt.Errorf("no repository at %s", dir)
}

// followGitFile reads a "gitdir:" file, as submodules and work trees have it.
func followGitFile(path string) (string, error) {
	text, err := readSmall(path)
	if err != nil {
		return "", err
	}
	target, ok := strings.CutPrefix(text, "gitdir: ")
	if !ok {
		return "", fmt.Errorf("%s is no valid gitfile", path)
	}
	return absFrom(filepath.Dir(path), strings.TrimRight(target, "\r\n")), nil
}

func commonDir(gitDir string) string {
	text, err := readSmall(filepath.Join(gitDir, "commondir"))
	if err != nil {
		return gitDir
	}
	real, err := filepath.EvalSymlinks(gitDir) // git-annex makes .git a symlink
	if err != nil {
		return gitDir
	}
	return absFrom(real, strings.TrimRight(text, "\r\n"))
}

func absFrom(base, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(base, path)
}

// readSmall reads a regular file of another repository.
func readSmall(path string) (string, error) {
	fi, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !fi.Mode().IsRegular() || fi.Size() > maxConfig {
		return "", fmt.Errorf("%s is not what it should be", path)
	}
	data, err := os.ReadFile(path)
	return string(data), err
}

func readConfig(path string) (*git.Config, error) {
	text, err := readSmall(path)
	if errors.Is(err, fs.ErrNotExist) {
		return git.NewConfig(), nil
	}
	if err != nil {
		return nil, err
	}
	return git.ParseConfigFile(text)
}

// Name returns the remote's name in our configuration.
func (r *Remote) Name() string { return r.spec.Name }

// UUID returns the identity of its annex.
func (r *Remote) UUID() string { return r.uuid }

// Locate implements remote.Locator.
func (r *Remote) Locate(k annexkey.Key) (string, bool) { return r.store.Locate(k) }

// Size implements remote.Sizer.
func (r *Remote) Size(_ context.Context, k annexkey.Key) (int64, bool) {
	object, ok := r.store.Locate(k)
	if !ok {
		return 0, false
	}
	fi, err := os.Stat(object)
	if err != nil {
		return 0, false
	}
	return fi.Size(), true
}

// Present implements remote.Remote.
func (r *Remote) Present(ctx context.Context, k annexkey.Key) (bool, error) {
	return r.store.Present(k)
}

// Lock implements remote.Locker by a shared lock in the other repository.
func (r *Remote) Lock(ctx context.Context, k annexkey.Key) (remote.Lock, error) {
	c, err := r.store.Share(k)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// CarryLocks implements remote.LockCarrier.
func (r *Remote) CarryLocks() (done func()) { return r.store.Carry() }

// Fetch implements remote.Remote.
func (r *Remote) Fetch(ctx context.Context, k annexkey.Key, dst string, h hash.Hash) error {
	object, ok := r.store.Locate(k)
	if !ok {
		return remote.ErrAbsent
	}
	fi, err := os.Stat(object)
	if most, bounded := remote.Bound(ctx, k); err == nil && bounded && fi.Size() > most {
		return &remote.SizeError{Key: k, Have: fi.Size(), Want: most}
	}
	if r.opt.HardLink && linkable(object) && os.Link(object, dst) == nil {
		return remote.HashFetched(ctx, dst, h)
	}
	_, err = fsx.Copy(ctx, dst, object, fsx.CopyOptions{KeepMode: true, KeepTime: true, Hash: h, Private: true, SyncSoon: true})
	if errors.Is(err, fs.ErrNotExist) && !exists(object) {
		return remote.ErrAbsent // dropped this very moment
	}
	return err
}

// linkable reports whether nobody can write to the object: a writable one
// (annex.thin) would change under us.
func linkable(object string) bool {
	fi, err := os.Lstat(object)
	return err == nil && fi.Mode().Perm()&0o222 == 0
}
