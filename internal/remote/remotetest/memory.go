package remotetest

import (
	"bytes"
	"context"
	"errors"
	"hash"
	"os"
	"sync"
	"time"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/remote"
)

// Memory is a remote in memory, for what works through other remotes.
type Memory struct {
	mu      sync.Mutex
	Objects map[string][]byte // by the key's text
	Fail    error             // what the next uses return, if it is not nil
	Stores  int               // how often something was stored
}

// NewMemory returns an empty one.
func NewMemory() *Memory { return &Memory{Objects: map[string][]byte{}} }

// Name and UUID are "memory" and "m".
func (m *Memory) Name() string { return "memory" }

// UUID implements remote.Remote.
func (m *Memory) UUID() string { return "m" }

// Present implements remote.Remote.
func (m *Memory) Present(ctx context.Context, k annexkey.Key) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, ok := m.Objects[k.String()]
	return ok, errors.Join(m.Fail, ctx.Err())
}

// Fetch implements remote.Remote.
func (m *Memory) Fetch(ctx context.Context, k annexkey.Key, dst string, h hash.Hash) error {
	m.mu.Lock()
	data, ok := m.Objects[k.String()]
	fail := m.Fail
	m.mu.Unlock()
	if fail != nil {
		return fail
	}
	if !ok {
		return remote.ErrAbsent
	}
	return remote.Receive(ctx, k, dst, 0, h, bytes.NewReader(data))
}

// Store implements remote.Keeper.
func (m *Memory) Store(ctx context.Context, k annexkey.Key, c remote.Content) error {
	data, err := os.ReadFile(c.Path)
	if err != nil {
		return err
	}
	if int64(len(data)) != c.Size {
		return errors.New("the file changed")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := errors.Join(k.Safe(), m.Fail, ctx.Err()); err != nil {
		return err
	}
	m.Objects[k.String()] = data
	m.Stores++
	c.Report(c.Size)
	return nil
}

// Remove implements remote.Keeper.
func (m *Memory) Remove(ctx context.Context, k annexkey.Key) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.Objects, k.String())
	return m.Fail
}

// Logs is a git-annex branch in memory.
type Logs struct {
	mu    sync.Mutex
	Files map[string][]byte
	clock int64
}

// NewLogs returns an empty branch.
func NewLogs() *Logs { return &Logs{Files: map[string][]byte{}} }

// Read implements remote.Logs.
func (l *Logs) Read(ctx context.Context, path string) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Files[path], nil
}

// Change implements remote.Logs.
func (l *Logs) Change(ctx context.Context, path string, change func([]byte) []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.Files[path] = change(l.Files[path])
	return nil
}

// Now implements remote.Logs: a clock that moves by one second.
func (l *Logs) Now() annexlog.Clock {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.clock++
	c := annexlog.ClockOf(time.Unix(l.clock, 0))
	return c
}
