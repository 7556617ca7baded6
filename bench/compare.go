package main

import (
	"context"
	"fmt"
	"slices"
	"syscall"
	"time"
)

// contender is one program in a comparison.
type contender struct {
	name    string
	missing string                           // why it cannot run here; "" if it can
	prepare func(context.Context, int) error // before every repetition, not measured
	command func(int) command                // repetition i
	work    func() error                     // instead of command: something this program does itself
	cleanup func(int)                        // after every repetition, not measured
}

// stat is what the repetitions of one contender gave.
type stat struct {
	name, missing string
	costs         []cost // in the order of the repetitions
}

// enough ends the repetitions of a slow contender: no further one begins once
// its runs have taken this long together.
func (b *bench) enough() time.Duration {
	if b.quick {
		return 10 * time.Second
	}
	return 45 * time.Second
}

// compare runs all contenders reps times, interleaved, each round beginning with
// another one. A contender that fails is reported as such and left out.
func (b *bench) compare(ctx context.Context, reps int, contenders ...contender) ([]stat, error) {
	stats := make([]stat, len(contenders))
	for i, c := range contenders {
		stats[i] = stat{name: c.name, missing: c.missing}
	}
	for rep := range reps {
		for k := range contenders {
			i := (rep + k) % len(contenders)
			if stats[i].missing != "" || stats[i].total() > b.enough() {
				continue
			}
			took, err := b.once(ctx, contenders[i], rep)
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if err != nil {
				progress("%s: %v", contenders[i].name, err)
				stats[i].missing = fmt.Sprintf("failed: %v", err)
				continue
			}
			stats[i].costs = append(stats[i].costs, took)
		}
	}
	return stats, nil
}

func (b *bench) once(ctx context.Context, c contender, rep int) (cost, error) {
	if c.cleanup != nil {
		defer c.cleanup(rep)
	}
	if c.prepare != nil {
		if err := c.prepare(ctx, rep); err != nil {
			return cost{}, fmt.Errorf("preparation: %w", err)
		}
	}
	if c.work != nil {
		return timed(c.work)
	}
	return b.run(ctx, c.command(rep))
}

// timed measures work done in this process.
func timed(work func() error) (cost, error) {
	before, begin := ownCPU(), time.Now()
	err := work()
	return cost{wall: time.Since(begin), cpu: ownCPU() - before}, err
}

func ownCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func (s stat) total() (sum time.Duration) {
	for _, c := range s.costs {
		sum += c.wall
	}
	return sum
}

func (s stat) wall() time.Duration {
	return median(s.costs, func(c cost) time.Duration { return c.wall })
}
func (s stat) cpu() time.Duration {
	return median(s.costs, func(c cost) time.Duration { return c.cpu })
}

// measured tells whether there is a figure.
func (s stat) measured() bool { return s.missing == "" && len(s.costs) > 0 }

// over is the median of the differences to another contender's runs of the same
// rounds, which drifts less than the difference of the medians.
func (s stat) over(other stat) time.Duration {
	n := min(len(s.costs), len(other.costs))
	differences := make([]time.Duration, n)
	for i := range n {
		differences[i] = s.costs[i].wall - other.costs[i].wall
	}
	return median(differences, func(d time.Duration) time.Duration { return d })
}

// median of what pick takes from values; 0 of nothing.
func median[T any](values []T, pick func(T) time.Duration) time.Duration {
	if len(values) == 0 {
		return 0
	}
	picked := make([]time.Duration, len(values))
	for i, v := range values {
		picked[i] = pick(v)
	}
	slices.Sort(picked)
	middle := len(picked) / 2
	if len(picked)%2 == 1 {
		return picked[middle]
	}
	return (picked[middle-1] + picked[middle]) / 2
}
