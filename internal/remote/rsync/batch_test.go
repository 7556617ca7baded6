package rsync

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
)

func TestOneCallServesAllThatWait(t *testing.T) {
	begun, goOn := make(chan bool, 10), make(chan bool)
	var mu sync.Mutex
	var sizes []int
	bad := errors.New("bad")
	b := &batcher[int]{run: func(_ context.Context, items []int) error {
		begun <- true
		<-goOn
		mu.Lock()
		defer mu.Unlock()
		sizes = append(sizes, len(items))
		if slices.Contains(items, 7) {
			return bad
		}
		return nil
	}}
	errs := make([]error, 10)
	var wg sync.WaitGroup
	wg.Go(func() { errs[0] = b.do(t.Context(), 0) })
	<-begun
	for i := range 9 {
		wg.Go(func() { errs[i+1] = b.do(t.Context(), i+1) })
	}
	for waits := 0; waits < 9; {
		b.mu.Lock()
		waits = len(b.waiting)
		b.mu.Unlock()
	}
	close(goOn)
	go func() {
		for range begun {
		}
	}()
	wg.Wait()
	for i, err := range errs {
		if (i == 7) != errors.Is(err, bad) {
			t.Errorf("%d: %v", i, err)
		}
	}
	if len(sizes) != 11 || sizes[0] != 1 || sizes[1] != 9 {
		t.Errorf("%v", sizes)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.do(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
