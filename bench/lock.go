package main

import (
	"context"
	"time"
)

// locker is a command whose hold of index.lock is watched.
type locker struct {
	name, missing string
	next          func(context.Context) (command, error)
}

// indexLock reports how long the index is locked: in that time a user's own
// `git add` fails or waits.
func indexLock(ctx context.Context, b *bench) error {
	for _, n := range b.sizes {
		r, err := b.repository(ctx, n)
		if err != nil {
			return err
		}
		progress("index.lock among %s files", thousands(n))
		b.section("How long index.lock is held, %s tracked files", thousands(n))
		var rows [][]string
		for _, l := range b.lockers(ctx, r) {
			row, err := b.watch(ctx, r, l)
			if err != nil {
				return err
			}
			rows = append(rows, row)
		}
		b.table([]string{"", "longest hold, median", "worst", "holds per command"}, rows)
	}
	return nil
}

func (b *bench) lockers(ctx context.Context, r *repo) []locker {
	var list []locker
	for _, c := range b.savers(ctx, r) {
		list = append(list, locker{c.name, c.missing, func(ctx context.Context) (command, error) {
			err := c.prepare(ctx, 0)
			return c.command(0), err
		}})
	}
	list = append(list, locker{"git add PATH", "", func(context.Context) (command, error) {
		files, err := r.write()
		return in(r.dir, "git", "add", files[0]), err
	}})
	for _, t := range b.jobTools(ctx) {
		list = append(list, b.finishLocker(t, r, 1, "one job"), b.finishLocker(t, r, 15, "fifteen jobs"))
	}
	return list
}

func (b *bench) finishLocker(t jobTool, r *repo, jobs int, label string) locker {
	return locker{t.name + "finish, " + label, t.missing, func(ctx context.Context) (command, error) {
		err := b.onlyOpen(ctx, t, r, jobs)
		return t.finishingAll(r), err
	}}
}

// watch runs the command some times and returns a row of the table.
func (b *bench) watch(ctx context.Context, r *repo, l locker) ([]string, error) {
	if l.missing != "" {
		return []string{l.name, l.missing}, nil
	}
	var longest []time.Duration
	holds, reps := 0, b.reps(3)
	for range reps {
		c, err := l.next(ctx)
		if err != nil {
			return []string{l.name, "failed: " + err.Error()}, ctx.Err()
		}
		held, err := holdsOf(r.dir, func() error { _, err := b.run(ctx, c); return err })
		if err != nil {
			return []string{l.name, "failed: " + err.Error()}, ctx.Err()
		}
		holds += len(held)
		longest = append(longest, maximum(held))
	}
	same := func(d time.Duration) time.Duration { return d }
	return []string{l.name, show(median(longest, same)), show(maximum(longest)), ratio(time.Duration(holds), time.Duration(reps))}, nil
}

func maximum(values []time.Duration) (most time.Duration) {
	for _, v := range values {
		most = max(most, v)
	}
	return most
}
