package rsync

import (
	"context"
	"sync"
	"sync/atomic"
)

// batcher lets one call of a program serve all who ask while the one before it
// runs, so that no file costs a process of its own.
type batcher[T any] struct {
	// run does the work for all items. After an error of several nothing is
	// known of each, and it is called again for one after the other.
	run func(ctx context.Context, items []T) error

	mu      sync.Mutex
	waiting []*member[T]
	busy    bool
}

// member is somebody who waits.
type member[T any] struct {
	ctx  context.Context
	item T
	done chan error
}

// mostTogether bounds how many are served by one call.
const mostTogether = 256

// do has the item served.
func (b *batcher[T]) do(ctx context.Context, item T) error {
	m := &member[T]{ctx, item, make(chan error, 1)}
	b.mu.Lock()
	b.waiting = append(b.waiting, m)
	if !b.busy {
		b.busy = true
		go b.serve()
	}
	b.mu.Unlock()
	select {
	case err := <-m.done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (b *batcher[T]) serve() {
	for {
		b.mu.Lock()
		n := min(len(b.waiting), mostTogether)
		list := b.waiting[:n:n]
		b.waiting = b.waiting[n:]
		b.busy = n > 0
		b.mu.Unlock()
		if n == 0 {
			return
		}
		b.together(list)
	}
}

// together serves the members, until all of them have given up.
func (b *batcher[T]) together(list []*member[T]) {
	var live []*member[T]
	for _, m := range list {
		if m.ctx.Err() == nil {
			live = append(live, m)
		}
	}
	if len(live) == 0 {
		return
	}
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(live[0].ctx))
	defer cancel(nil)
	var left atomic.Int64
	left.Store(int64(len(live)))
	items := make([]T, len(live))
	for i, m := range live {
		items[i] = m.item
		stop := context.AfterFunc(m.ctx, func() {
			if left.Add(-1) == 0 {
				cancel(context.Cause(m.ctx))
			}
		})
		defer stop()
	}
	err := b.run(ctx, items)
	for _, m := range live {
		if err != nil && len(live) > 1 && m.ctx.Err() == nil {
			m.done <- b.run(m.ctx, []T{m.item})
			continue
		}
		m.done <- err
	}
}
