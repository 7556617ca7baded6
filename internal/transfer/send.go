package transfer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/remote"
)

// Sender stores content of the annex in remotes. It is safe for concurrent use.
type Sender struct {
	Annex *annex.Annex
	// Retry, RetryDelay, Stall and Progress are as for Getter.
	Retry      int
	RetryDelay time.Duration
	Stall      time.Duration
	Progress   Progress
}

// Send makes our content part of the remote; what is there already is success.
// The caller sees to it that ours is not dropped meanwhile, and records where
// the content is now. Errors: remote.ErrAbsent where it is not here,
// annex.ErrTransferring.
func (s *Sender) Send(ctx context.Context, k annexkey.Key, to remote.Remote) error {
	keeper, ok := to.(remote.Keeper)
	if !ok {
		return errs.WithHint(fmt.Errorf("remote %s takes no content", to.Name()), "it can only be read")
	}
	object, ok := s.Annex.Locate(k)
	if !ok {
		return remote.ErrAbsent
	}
	fi, err := os.Stat(object)
	if err != nil {
		return err
	}
	if k.Size >= 0 && fi.Size() != k.Size {
		return errs.WithHint(fmt.Errorf("our own content has %d bytes instead of %d", fi.Size(), k.Size), "run `stemma annex fsck` on it")
	}
	if _, own := remote.As[remote.Placer](to); fi.Size() >= resumeFrom && !own {
		lock, err := s.Annex.LockTransfer(annex.Upload, to.UUID(), k)
		if err != nil {
			return err
		}
		defer lock.Unlock()
	}
	return s.retry(ctx, func() (moved bool, err error) {
		moved, err = s.once(ctx, k, keeper, object, fi.Size())
		return moved && fi.Size() >= resumeFrom, err
	})
}

// once is one attempt; moved says whether any content was on its way.
func (s *Sender) once(ctx context.Context, k annexkey.Key, to remote.Keeper, object string, size int64) (moved bool, err error) {
	w := newWatch(ctx, k, to, s.Stall, begin(s.Progress, k, to))
	w.most = -1 // an attempt may begin anew by itself
	w.start("", 0)
	err = w.end(to.Store(w.ctx, k, remote.Content{Path: object, Size: size, Moved: w.add}))
	w.meter.End(err)
	return w.moved.Load() > 0, err
}

// retry repeats the attempt as long as that promises anything: at once after one
// that moved something, for remotes that go on where it ended.
func (s *Sender) retry(ctx context.Context, attempt func() (moved bool, err error)) error {
	pause := s.RetryDelay
	if pause <= 0 {
		pause = time.Second
	}
	for retries, forward := 0, 0; ; {
		moved, err := attempt()
		switch {
		case err == nil || ctx.Err() != nil || errors.Is(err, remote.ErrUnsupported) || ownFault(err):
			return err
		case moved && forward < forwardRetries:
			forward++
			continue
		case retries >= s.Retry:
			return err
		}
		retries++
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
		pause *= 2
	}
}
