// Package ssh reaches the annexes of git repositories on other hosts through
// the system's ssh and the git-annex-shell there: git-annex's or Stemma's own.
// It runs several sessions at once where several keys are asked for. It knows
// nothing of the content's use and decides nothing about which may go.
package ssh

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"strings"
	"time"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/p2p"
	"github.com/stemma-data/stemma/internal/proc"
	"github.com/stemma-data/stemma/internal/remote"
)

// Remote is a repository on another host. It is a remote.Keeper, Locker,
// Resumer, Closer and Describer.
type Remote struct {
	spec    remote.Spec
	address Address
	program program
	shell   string // git-annex-shell, by another name perhaps
	own     string // UUID of our repository
	env     []string
	uuid    string
	pool    *pool
	// patience is how long an answer may take that is no content.
	patience time.Duration
}

// Open prepares for the remote. Where its UUID is not configured yet, the host
// is asked for it, else nothing happens before the first use. Errors:
// remote.ErrNoAnnex, and ssh's own.
func Open(ctx context.Context, s remote.Setup) (*Remote, error) {
	a, ok, err := ParseAddress(s.URL)
	if err == nil && !ok {
		err = remote.ErrUnsupported
	}
	if err != nil {
		return nil, fmt.Errorf("remote %s: %w", s.Name, err)
	}
	r := &Remote{
		spec: s.Spec, address: a, program: newProgram(s, a), shell: s.Setting("shell"),
		own: s.Settings.Get("annex.uuid"), env: s.Env, uuid: s.UUID,
		patience: remote.DefaultStall,
	}
	if d, ok := remote.ParseStall(s.Settings.Get("annex.stalldetection")); ok && d > 0 {
		r.patience = d
	}
	if r.shell == "" || strings.ContainsAny(r.shell, " \t\n'\"`$;&|<>()*?[]#~\\") {
		r.shell = "git-annex-shell"
	}
	if r.uuid == "" {
		if r.uuid, err = r.discover(ctx); err != nil {
			return nil, fmt.Errorf("remote %s: %w", s.Name, err)
		}
	}
	life, end := context.WithCancel(context.Background())
	r.pool = &pool{life: life, end: end, dial: r.dial}
	return r, nil
}

// discover asks the host which annex lies there.
func (r *Remote) discover(ctx context.Context) (string, error) {
	ctx, cancel := r.patient(ctx)
	defer cancel()
	res, err := proc.Run(ctx, r.program.command(r.env, r.shell, "configlist", r.address.Path))
	var failed *proc.ExitError
	if errors.As(err, &failed) && failed.Exit != sshFailed {
		return "", fmt.Errorf("%w: %s", remote.ErrNoAnnex, failed.Stderr)
	}
	if err != nil {
		return "", err
	}
	for _, line := range strings.Split(string(res.Stdout), "\n") {
		if uuid, ok := strings.CutPrefix(line, "annex.uuid="); ok && uuid != "" {
			return uuid, nil
		}
	}
	return "", remote.ErrNoAnnex
}

// sshFailed is ssh's exit code for trouble of its own, not of the command.
const sshFailed = 255

func (r *Remote) dial(ctx, life context.Context) (*connection, error) {
	c, err := start(ctx, life, r.program.command(r.env, r.shell, "p2pstdio", r.address.Path, r.own, "--uuid", r.uuid))
	if err != nil {
		return nil, fmt.Errorf("ssh to %s: %w", r.address.Host, err)
	}
	if c.UUID() != r.uuid {
		c.Close()
		return nil, &remote.MismatchError{Name: r.spec.Name, Want: r.uuid, Have: c.UUID()}
	}
	return c, nil
}

// Name returns the remote's name in our configuration.
func (r *Remote) Name() string { return r.spec.Name }

// UUID returns the identity of its annex.
func (r *Remote) UUID() string { return r.uuid }

// Describe implements remote.Describer.
func (r *Remote) Describe() [][2]string { return [][2]string{{"url", r.spec.URL}} }

// Close ends all sessions.
func (r *Remote) Close() error { return r.pool.close() }

// with runs one exchange. A session that stood idle may turn out to be dead;
// then, as long as nothing has come of it, a fresh one is tried.
func (r *Remote) with(ctx context.Context, do func(c *connection) (begun bool, err error)) error {
	for {
		c, err := r.pool.take(ctx)
		if err != nil {
			return err
		}
		begun, err := do(c)
		stale := c.used && c.Broken()
		r.pool.give(c)
		if err == nil || begun || !stale || ctx.Err() != nil {
			return c.translate(ctx, err)
		}
	}
}

// translate turns the protocol's errors into those of remotes. Of a session
// that broke off it says why, if that is known: git-annex ends it where content
// that is to be removed is locked.
func (c *connection) translate(ctx context.Context, err error) error {
	var exit *proc.ExitError
	switch {
	case errors.Is(err, p2p.ErrAbsent):
		return remote.ErrAbsent
	case err == nil || !c.Broken() || ctx.Err() != nil || !errors.As(c.process.Wait(), &exit) || exit.Stderr == "":
		return err
	case strings.Contains(exit.Stderr, "content is locked"):
		return remote.ErrBusy
	}
	return fmt.Errorf("%w: %s", err, exit.Stderr)
}

// patient bounds the time of a question. Content has all the time that whoever
// asked for it grants.
func (r *Remote) patient(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, r.patience, remote.ErrStalled)
}

// Present implements remote.Remote.
func (r *Remote) Present(ctx context.Context, k annexkey.Key) (ok bool, err error) {
	ctx, cancel := r.patient(ctx)
	defer cancel()
	err = r.with(ctx, func(c *connection) (bool, error) {
		ok, err = c.Present(ctx, k)
		return false, err
	})
	return ok, err
}

// Remove implements remote.Keeper.
func (r *Remote) Remove(ctx context.Context, k annexkey.Key) error {
	ctx, cancel := r.patient(ctx)
	defer cancel()
	return r.remove(ctx, func(c *connection) error { return c.Remove(ctx, k) })
}

func (r *Remote) remove(ctx context.Context, do func(c *connection) error) error {
	err := r.with(ctx, func(c *connection) (bool, error) { return false, do(c) })
	if errors.Is(err, p2p.ErrRefused) {
		return fmt.Errorf("%w, or cannot be removed there", remote.ErrBusy)
	}
	return err
}

// Streams implements remote.Streamer.
func (r *Remote) Streams() {}

// Store implements remote.Keeper. A broken transfer goes on where it ended.
func (r *Remote) Store(ctx context.Context, k annexkey.Key, content remote.Content) error {
	src := &source{content: content}
	defer src.close()
	err := r.with(ctx, func(c *connection) (bool, error) {
		err := c.Put(ctx, k, "", src)
		return src.sent(), err
	})
	if errors.Is(err, p2p.ErrRefused) {
		return fmt.Errorf("it did not keep the content: it arrived damaged, or could not be stored there")
	}
	return err
}

// Fetch implements remote.Remote.
func (r *Remote) Fetch(ctx context.Context, k annexkey.Key, dst string, h hash.Hash) error {
	f, err := os.OpenFile(dst, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	err = errors.Join(r.fetch(ctx, k, f, 0, h), f.Close())
	if err != nil {
		os.Remove(dst)
	}
	return err
}

// FetchFrom implements remote.Resumer.
func (r *Remote) FetchFrom(ctx context.Context, k annexkey.Key, dst string, offset int64, h hash.Hash) error {
	f, err := os.OpenFile(dst, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	return errors.Join(r.fetch(ctx, k, f, offset, h), f.Close())
}

func (r *Remote) fetch(ctx context.Context, k annexkey.Key, f *os.File, offset int64, h hash.Hash) error {
	w := &counter{w: f}
	if h != nil {
		w.w = io.MultiWriter(f, h)
	}
	if most, ok := remote.Bound(ctx, k); ok {
		w.bounded, w.left = true, most-offset
	}
	err := r.with(ctx, func(c *connection) (bool, error) {
		valid, err := c.Get(ctx, k, "", offset, w)
		if err == nil && !valid {
			err = errors.New("the content changed there while it was sent")
		}
		return w.n > 0, err
	})
	var mine *p2p.WriteError
	if errors.As(err, &mine) {
		err = mine.Err
	}
	if errors.Is(err, p2p.ErrTooLong) || errors.Is(err, errBound) {
		return &remote.SizeError{Key: k, Have: offset + w.n + 1, Want: k.Size}
	}
	if err == nil && k.Size >= 0 && k.ChunkNum < 0 && offset+w.n < k.Size {
		return &remote.SizeError{Key: k, Have: offset + w.n, Want: k.Size, All: true}
	}
	return err
}

var errBound = errors.New("too much content")

// counter counts what is written, and stops at a bound.
type counter struct {
	w       io.Writer
	n, left int64
	bounded bool
}

func (c *counter) Write(p []byte) (int, error) {
	if c.bounded && c.n+int64(len(p)) > c.left {
		return 0, errBound
	}
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
