package ssh

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/p2p"
	"github.com/stemma-data/stemma/internal/remote"
)

// lock is content that the host keeps while one session waits.
type lock struct {
	remote *Remote
	key    annexkey.Key
	conn   *connection
}

// Lock implements remote.Locker. It occupies a session until Release.
func (r *Remote) Lock(ctx context.Context, k annexkey.Key) (remote.Lock, error) {
	ctx, cancel := r.patient(ctx)
	defer cancel()
	for {
		c, err := r.pool.take(ctx)
		if err != nil {
			return nil, err
		}
		if err = c.Client.Lock(ctx, k); err == nil {
			return &lock{r, k, c}, nil
		}
		stale := c.used && c.Broken()
		r.pool.give(c)
		var told *p2p.ServerError
		switch {
		case errors.Is(err, p2p.ErrRefused):
			return nil, remote.ErrBusy
		case errors.As(err, &told):
			return nil, fmt.Errorf("%w: %w", remote.ErrNoLock, err)
		case !stale || ctx.Err() != nil:
			return nil, err
		}
	}
}

// heldPatience is how long the host may take to say that content is there.
const heldPatience = 30 * time.Second

// Held looks whether the session still stands, and asks by another one for the
// content: a host that has lost both the session and the content would not
// tell by the first alone.
func (l *lock) Held() error {
	if !l.conn.alive() {
		return errors.New("the connection that kept the content locked is gone")
	}
	ctx, cancel := context.WithTimeout(context.Background(), min(heldPatience, l.remote.patience))
	defer cancel()
	ok, err := l.remote.Present(ctx, l.key)
	if err == nil && !ok {
		err = remote.ErrAbsent
	}
	if err == nil && !l.conn.alive() {
		err = errors.New("the connection that kept the content locked is gone")
	}
	return err
}

// Release implements remote.Lock.
func (l *lock) Release() {
	_ = l.conn.Unlock()
	l.remote.pool.give(l.conn)
}
