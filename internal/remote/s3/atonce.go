package s3

import (
	"context"
	"sync"
)

// atOnce is how many requests are on their way.
const atOnce = 8

// each runs fn for n items, some at once, and then tells done of each, one at a
// time. It ends early when ctx does.
func each(ctx context.Context, n int, fn func(i int) error, done func(i int, err error)) error {
	var mu sync.Mutex
	var all sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	for i := range n {
		if ctx.Err() != nil {
			break
		}
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			err := fn(i)
			mu.Lock()
			defer mu.Unlock()
			if err == nil || ctx.Err() == nil {
				done(i, err)
			}
		})
	}
	all.Wait()
	return ctx.Err()
}
