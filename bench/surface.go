package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// everyStart starts each command in turn: none may take long before it begins.
func everyStart(ctx context.Context, b *bench) error {
	help, err := b.output(ctx, b.tmp, b.stemma, "--help")
	if err != nil {
		return err
	}
	var names []string
	for line := range strings.Lines(help) {
		if name, _, ok := strings.Cut(strings.TrimPrefix(line, "  "), " "); ok && strings.HasPrefix(line, "  ") && name != "" && name != "stemma" && name[0] != '-' {
			names = append(names, name)
		}
	}
	contenders := make([]contender, 0, len(names))
	for _, name := range names {
		contenders = append(contenders, contender{name: "stemma " + name + " --help", command: func(int) command { return in(b.tmp, b.stemma, name, "--help") }})
	}
	progress("start of %d commands", len(names))
	stats, err := b.compare(ctx, b.reps(9), contenders...)
	if err != nil {
		return err
	}
	for _, s := range stats {
		if !s.measured() {
			return fmt.Errorf("%s: %s", s.name, s.missing)
		}
	}
	slices.SortFunc(stats, func(x, y stat) int { return int(y.wall() - x.wall()) })
	b.section("Start of each of %d commands (the five slowest)", len(stats))
	b.timing(stats[0].name, stats[:min(5, len(stats))])
	b.checked("start-up of any command", "below 10 ms", len(stats) > 40 && stats[0].wall() < 10*time.Millisecond, "%s", show(stats[0].wall()))
	return nil
}

// everyday compares the small commands that scripts and people type all day.
func everyday(ctx context.Context, b *bench) error {
	if err := b.settle(ctx); err != nil {
		return err
	}
	for _, c := range []struct {
		what   string
		factor float64
		argv   []string // behind the program's name; FILE is a new one
		fresh  bool     // it makes a dataset
	}{
		{"create", 10, []string{"create", "-q"}, true},
		{"save of one file", 10, []string{"save", "-m", "one"}, false},
		{"run of a trivial command", 15, []string{"run", "-m", "made", "sh -c 'echo > made-$$'"}, false},
	} {
		progress("%s", c.what)
		work := func(name, missing, program string) contender {
			dir := func(rep int) string { return filepath.Join(b.tmp, "everyday", name+" "+c.argv[0], fmt.Sprint(rep)) }
			argv := append([]string{program}, c.argv...)
			if c.fresh {
				argv = []string{program, c.argv[0]}
			}
			return contender{name: name, missing: missing,
				prepare: func(ctx context.Context, rep int) error {
					if c.fresh {
						return os.MkdirAll(filepath.Dir(dir(rep)), 0o755)
					}
					if err := b.must(ctx, in(b.tmp, program, "create", dir(rep))); err != nil {
						return err
					}
					if c.argv[0] != "save" {
						return nil
					}
					return os.WriteFile(filepath.Join(dir(rep), "new.txt"), []byte(fmt.Sprintln(name, rep)), 0o644)
				},
				command: func(rep int) command {
					if c.fresh {
						return in(b.tmp, append(argv, dir(rep))...)
					}
					return in(dir(rep), argv...)
				}}
		}
		own, peer := "stemma "+c.argv[0], "datalad "+c.argv[0]
		stats, err := b.compare(ctx, b.reps(9), work(own, "", b.stemma), work(peer, lacking("datalad"), "datalad"))
		if err != nil {
			return err
		}
		b.section("%s%s", strings.ToUpper(c.what[:1]), c.what[1:])
		b.timing(own, stats)
		b.faster(c.what, stats, own, peer, c.factor)
	}
	return nil
}

// settle waits until files that were deleted earlier are forgotten: ext4 does not
// use their inodes again for a minute, and whoever makes files meanwhile pays for
// the search.
func (b *bench) settle(ctx context.Context) error {
	if b.quick {
		return nil
	}
	progress("waiting a minute for the file system")
	if err := b.must(ctx, in(b.tmp, "sync")); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(65 * time.Second):
		return nil
	}
}

// subdatasets is how many a large superdataset has.
func (b *bench) subdatasets() int {
	if b.quick {
		return 50
	}
	return 1000
}

// superdataset makes a dataset with many installed subdatasets.
func (b *bench) superdataset(ctx context.Context) (string, error) {
	dir := filepath.Join(b.tmp, "super")
	if err := b.must(ctx, in(b.tmp, b.stemma, "create", dir)); err != nil {
		return "", err
	}
	progress("building a superdataset of %s subdatasets", thousands(b.subdatasets()))
	for i := range b.subdatasets() {
		sub := fmt.Sprintf("group%02d/sub%04d", i%20, i)
		if err := b.must(ctx, in(dir, b.stemma, "create", sub)); err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(dir, sub, "data.txt"), []byte(sub), 0o644); err != nil {
			return "", err
		}
	}
	// Only what is registered is walked through.
	if err := b.must(ctx, in(dir, b.stemma, "save", "-m", "subdatasets")); err != nil {
		return "", err
	}
	return dir, b.must(ctx, in(dir, b.stemma, "save", "-r", "-m", "content"))
}

// nested compares what goes through a thousand subdatasets. A peer is given up
// after a while; the factor is then a lower bound.
func nested(ctx context.Context, b *bench) error {
	dir, err := b.superdataset(ctx)
	if err != nil {
		return err
	}
	n := thousands(b.subdatasets())
	for _, c := range []struct {
		argv    []string
		prepare func(ctx context.Context, where string, rep int) error
		cloned  bool // it works in a fresh clone of the superdataset
		reps    int  // 0: few, since it takes long
	}{
		{argv: []string{"status", "-r"}}, {argv: []string{"subdatasets"}, reps: 15},
		{argv: []string{"save", "-r", "-m", "all"}, prepare: func(_ context.Context, where string, rep int) error { return touchAll(where, rep) }},
		{argv: []string{"get", "-n", "-r", "."}, cloned: true},
	} {
		what := strings.Join(c.argv, " ")
		progress("%s in %s subdatasets", what, n)
		worker := func(program, name string) contender {
			where := func(rep int) string {
				if c.cloned {
					return filepath.Join(b.tmp, "clones", name, fmt.Sprint(rep))
				}
				return dir
			}
			return contender{name: name,
				prepare: func(ctx context.Context, rep int) error {
					if c.prepare != nil {
						return c.prepare(ctx, dir, rep+1000*len(name))
					}
					if !c.cloned {
						return nil
					}
					return b.must(ctx, in(b.tmp, b.stemma, "clone", dir, where(rep)))
				},
				command: func(rep int) command { return in(where(rep), append([]string{program}, c.argv...)...) }}
		}
		own, peer := "stemma "+what, "datalad "+what
		stats, lower, err := b.besidePeer(ctx, c.reps, worker(b.stemma, own), worker("datalad", peer))
		if err != nil {
			return err
		}
		b.section("`%s` with %s subdatasets", what, n)
		b.timing(own, stats)
		if mine, theirs := stats[0].wall(), stats[1].wall(); stats[0].measured() && stats[1].measured() {
			times, text := float64(theirs)/float64(mine), "%.0f ×"
			if lower {
				text = "more than %.0f × (the peer was given up)"
			}
			b.checked(what+" with "+n+" subdatasets", "at least 20 × faster than "+peer, times >= 20, text, times)
		}
	}
	_, size, err := b.heavy(ctx, in(dir, b.stemma, "status", "-r"))
	if err == nil {
		b.note("Memory of `stemma status -r`: %d MB.", size>>20)
	}
	return err
}

// besidePeer compares the two repetition by repetition, or, where reps is 0, ours
// a few times and then the peer once; lower says that it was given up.
func (b *bench) besidePeer(ctx context.Context, reps int, own, peer contender) (stats []stat, lower bool, err error) {
	if reps > 0 {
		stats, err = b.compare(ctx, reps, own, peer)
		return stats, false, err
	}
	if stats, err = b.compare(ctx, 3, own); err != nil {
		return nil, false, err
	}
	last, lower, err := b.patient(ctx, peer)
	return append(stats, last), lower, err
}

// patient measures a contender once; lower says that it was given up, so that
// its time is a lower bound.
func (b *bench) patient(ctx context.Context, c contender) (s stat, lower bool, err error) {
	s = stat{name: c.name, missing: lacking("datalad")}
	if s.missing != "" {
		return s, false, nil
	}
	if err := c.prepare(ctx, 0); err != nil {
		return s, false, err
	}
	patience := b.patience
	if !b.quick {
		patience *= 5
	}
	limited, stop := context.WithTimeout(ctx, patience)
	defer stop()
	took, err := b.run(limited, c.command(0))
	s.costs = []cost{took}
	if errors.Is(limited.Err(), context.DeadlineExceeded) && ctx.Err() == nil {
		s.name += ", given up"
		return s, true, nil
	}
	return s, false, err
}

// touchAll gives every subdataset something to save.
func touchAll(dir string, rep int) error {
	files, err := filepath.Glob(filepath.Join(dir, "group*", "sub*", "data.txt"))
	for _, file := range files {
		err = errors.Join(err, os.WriteFile(file, fmt.Appendln(nil, file, rep), 0o644))
	}
	return err
}
