package external

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"maps"
	"os"
	"strings"
	"sync"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/remote"
)

// Remote is a special remote that a program implements. Processes are started
// when they are needed, and end with Close or with the context that Open got.
type Remote struct {
	setup remote.Setup
	path  string
	kind  string
	ctx   context.Context

	mu     sync.Mutex
	idle   []*program
	shared *program // speaks ASYNC
}

// Open finds the program; it is not started yet.
func Open(ctx context.Context, s remote.Setup) (*Remote, error) {
	kind := s.Setting("externaltype")
	if kind == "" {
		kind = s.Option("externaltype")
	}
	path, err := find(s, kind)
	if err != nil {
		return nil, err
	}
	return &Remote{setup: s, path: path, kind: kind, ctx: context.WithoutCancel(ctx)}, nil
}

// Name returns the remote's name in our configuration.
func (r *Remote) Name() string { return r.setup.Name }

// UUID returns the remote's identity.
func (r *Remote) UUID() string { return r.setup.UUID }

// Describe implements remote.Describer.
func (r *Remote) Describe() [][2]string {
	return [][2]string{{"type", "external"}, {"externaltype", r.kind}}
}

// Close ends the processes.
func (r *Remote) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.idle {
		p.stop()
	}
	if r.shared != nil {
		r.shared.kill()
	}
	r.idle, r.shared = nil, nil
	return nil
}

// with runs a conversation in a process that is ready.
func (r *Remote) with(ctx context.Context, talk func(c *conversation) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p, err := r.take(ctx)
	if err != nil {
		return err
	}
	c := &conversation{ctx: ctx, p: p, ch: p, setup: r.setup, config: maps.Clone(r.setup.Config)}
	if c.config == nil {
		c.config = map[string]string{}
	}
	if p.async != nil {
		j, err := p.async.begin()
		if err != nil {
			r.forget(p)
			return err
		}
		defer j.end()
		c.ch = j
	}
	stop := context.AfterFunc(ctx, func() { p.proc.Kill() })
	err = talk(c)
	if !stop() { // the context has ended, and the process with it
		r.forget(p)
		return context.Cause(ctx)
	}
	r.put(p, err)
	return err
}

// take returns a process that is prepared.
func (r *Remote) take(ctx context.Context) (*program, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.shared != nil {
		return r.shared, nil
	}
	if n := len(r.idle); n > 0 {
		p := r.idle[n-1]
		r.idle = r.idle[:n-1]
		return p, nil
	}
	ctx, cancel := r.setup.Patient(ctx)
	defer cancel()
	p, err := start(r.ctx, ctx, r.setup, r.path)
	if err != nil {
		return nil, err
	}
	if err := r.prepare(ctx, p); err != nil {
		p.kill()
		return nil, err
	}
	if p.async != nil {
		r.shared = p
	}
	return p, nil
}

func (r *Remote) prepare(ctx context.Context, p *program) error {
	c := &conversation{ctx: ctx, p: p, ch: p, setup: r.setup, config: maps.Clone(r.setup.Config)}
	if c.config == nil {
		c.config = map[string]string{}
	}
	if p.async != nil {
		go p.async.run()
		j, err := p.async.begin()
		if err != nil {
			return err
		}
		defer j.end()
		c.ch = j
	}
	stop := context.AfterFunc(ctx, func() { p.proc.Kill() })
	defer stop()
	word, rest, err := c.ask("PREPARE", "PREPARE-SUCCESS", "PREPARE-FAILURE")
	if err == nil && word == "PREPARE-FAILURE" {
		err = fmt.Errorf("%s is not ready: %s", p.name, rest)
	}
	return err
}

// failure is what a program reports in the right way; it can go on.
type failure struct{ error }

func (f failure) Unwrap() error { return f.error }

// put gives the process back, unless the conversation went wrong.
func (r *Remote) put(p *program, err error) {
	var reported failure
	if err != nil && !errors.As(err, &reported) && !errors.Is(err, remote.ErrAbsent) {
		r.forget(p)
		return
	}
	if p.async == nil {
		r.mu.Lock()
		r.idle = append(r.idle, p)
		r.mu.Unlock()
	}
}

func (r *Remote) forget(p *program) {
	r.mu.Lock()
	if r.shared == p {
		r.shared = nil
	}
	r.mu.Unlock()
	p.kill()
}

// keyWord is the key as a word of the protocol.
func keyWord(k annexkey.Key) (string, error) {
	if err := k.Safe(); err != nil {
		return "", err
	}
	text := k.String()
	if strings.ContainsAny(text, " \r") {
		return "", errs.WithHint(fmt.Errorf("key %s has a blank, which external special remotes cannot take", text), "encrypt the remote, or use another backend")
	}
	return text, nil
}

// Present implements remote.Remote.
func (r *Remote) Present(ctx context.Context, k annexkey.Key) (present bool, err error) {
	key, err := keyWord(k)
	if err != nil {
		return false, err
	}
	ctx, cancel := r.setup.Patient(ctx)
	defer cancel()
	err = r.with(ctx, func(c *conversation) error {
		word, rest, err := c.ask("CHECKPRESENT "+key, "CHECKPRESENT-SUCCESS", "CHECKPRESENT-FAILURE", "CHECKPRESENT-UNKNOWN")
		if err != nil {
			return err
		}
		msg, ok := answersFor(key, rest)
		switch {
		case !ok:
			return c.p.nonsense(word + " " + rest)
		case word == "CHECKPRESENT-UNKNOWN":
			return failure{fmt.Errorf("%s cannot tell: %s", c.p.name, msg)}
		}
		present = word == "CHECKPRESENT-SUCCESS"
		return nil
	})
	return present, err
}

// answersFor takes the key off an answer.
func answersFor(key, rest string) (msg string, ok bool) {
	got, msg, _ := strings.Cut(rest, " ")
	return msg, got == key
}

// Remove implements remote.Keeper.
func (r *Remote) Remove(ctx context.Context, k annexkey.Key) error {
	key, err := keyWord(k)
	if err != nil {
		return err
	}
	ctx, cancel := r.setup.Patient(ctx)
	defer cancel()
	return r.with(ctx, func(c *conversation) error {
		word, rest, err := c.ask("REMOVE "+key, "REMOVE-SUCCESS", "REMOVE-FAILURE", "UNSUPPORTED-REQUEST")
		if err != nil {
			return err
		}
		msg, ok := answersFor(key, rest)
		switch {
		case word == "REMOVE-FAILURE" && ok:
			return failure{fmt.Errorf("%s: %s", c.p.name, msg)}
		case word == "UNSUPPORTED-REQUEST":
			return failure{fmt.Errorf("%s cannot remove content", c.p.name)}
		case !ok:
			return c.p.nonsense(word + " " + rest)
		}
		return nil
	})
}

// transfer asks for one direction and reads the verdict.
func (r *Remote) transfer(ctx context.Context, direction string, k annexkey.Key, path string, moved func(int64)) error {
	key, err := keyWord(k)
	if err != nil {
		return err
	}
	return r.with(ctx, func(c *conversation) error {
		c.moved = moved
		word, rest, err := c.ask("TRANSFER "+direction+" "+key+" "+path, "TRANSFER-SUCCESS", "TRANSFER-FAILURE", "UNSUPPORTED-REQUEST")
		if err != nil {
			return err
		}
		rest, ok := strings.CutPrefix(rest, direction+" ")
		msg, same := answersFor(key, rest)
		switch {
		case word == "UNSUPPORTED-REQUEST":
			return failure{fmt.Errorf("%s does not support this", c.p.name)}
		case !ok || !same:
			return c.p.nonsense(word + " " + rest)
		case word == "TRANSFER-FAILURE":
			return failure{fmt.Errorf("%s: %s", c.p.name, msg)}
		}
		return nil
	})
}

// Store implements remote.Keeper.
func (r *Remote) Store(ctx context.Context, k annexkey.Key, c remote.Content) error {
	if fi, err := os.Stat(c.Path); err != nil || fi.Size() != c.Size {
		return errors.Join(err, fsx.ErrChanged)
	}
	var told int64
	return r.transfer(ctx, "STORE", k, c.Path, func(total int64) {
		c.Report(total - told)
		told = max(told, total)
	})
}

// Fetch implements remote.Remote. Where the transfer fails, the program is
// asked whether the content is there at all.
func (r *Remote) Fetch(ctx context.Context, k annexkey.Key, dst string, h hash.Hash) error {
	err := r.transfer(ctx, "RETRIEVE", k, dst, nil)
	if err != nil {
		os.Remove(dst)
		var reported failure
		if errors.As(err, &reported) {
			if ok, perr := r.Present(ctx, k); !ok && perr == nil {
				return remote.ErrAbsent
			}
		}
		return err
	}
	if err := r.check(ctx, k, dst); err != nil {
		os.Remove(dst)
		return err
	}
	return remote.HashFetched(ctx, dst, h)
}

// check looks at what the program left under the name it was given.
func (r *Remote) check(ctx context.Context, k annexkey.Key, dst string) error {
	fi, err := os.Lstat(dst)
	if err != nil {
		return fmt.Errorf("git-annex-remote-%s says that it has retrieved the content, but there is no file", r.kind)
	}
	if !fi.Mode().IsRegular() {
		return fmt.Errorf("git-annex-remote-%s has made something that is no file", r.kind)
	}
	if most, ok := remote.Bound(ctx, k); ok && fi.Size() > most {
		return &remote.SizeError{Key: k, Have: fi.Size(), Want: most}
	}
	return nil
}

// Initialise has the program set up its storage (INITREMOTE) and returns the
// configuration with what it has set.
func Initialise(ctx context.Context, s remote.Setup) (map[string]string, error) {
	r, err := Open(ctx, s)
	if err != nil {
		return nil, err
	}
	p, err := start(ctx, ctx, s, r.path)
	if err != nil {
		return nil, err
	}
	defer p.kill()
	c := &conversation{ctx: ctx, p: p, ch: p, setup: s, config: maps.Clone(s.Config)}
	if p.async != nil {
		go p.async.run()
		j, err := p.async.begin()
		if err != nil {
			return nil, err
		}
		defer j.end()
		c.ch = j
	}
	word, rest, err := c.ask("INITREMOTE", "INITREMOTE-SUCCESS", "INITREMOTE-FAILURE")
	if err == nil && word == "INITREMOTE-FAILURE" {
		err = fmt.Errorf("%s: %s", p.name, rest)
	}
	return c.config, err
}
