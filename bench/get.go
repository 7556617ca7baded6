package main

import (
	"context"
	"fmt"
	"path/filepath"
)

// bulkGet compares how fast content comes from a clone on the same machine.
func bulkGet(ctx context.Context, b *bench) error {
	loads, err := b.loads(3)
	if err != nil {
		return err
	}
	for _, l := range loads {
		progress("get of %s", l.name)
		b.section("Get of %s from a local clone", l.name)
		source := filepath.Join(b.tmp, "source-"+filepath.Base(l.folder))
		err := b.filled(ctx, []string{b.stemma, "create"}, source, l)
		if err == nil {
			err = b.must(ctx, in(source, b.stemma, "save", "-m", "content"))
		}
		if err != nil {
			b.note("Not measured: %v.", err)
			continue
		}
		stats, err := b.compare(ctx, l.reps, b.getters(ctx, l, source)...)
		if err != nil {
			return err
		}
		b.timing("stemma get", stats)
	}
	return nil
}

func (b *bench) getters(ctx context.Context, l load, source string) []contender {
	getter := func(name, missing string, argv ...string) contender {
		clone := func(rep int) string {
			return filepath.Join(b.tmp, "gets", filepath.Base(l.folder), name, fmt.Sprint(rep))
		}
		return contender{name: name, missing: missing,
			prepare: func(ctx context.Context, rep int) error {
				return b.must(ctx, in(b.tmp, "git", "clone", "-q", source, clone(rep)), b.initAnnex(clone(rep)), in(b.tmp, "sync"))
			},
			command: func(rep int) command { return in(clone(rep), argv...) },
			cleanup: func(rep int) { l.drop(clone(rep)) }}
	}
	return []contender{
		getter("stemma get", b.absent(ctx, "get"), b.stemma, "get", "."),
		getter("git annex get", lacking("git-annex"), "git", "annex", "get", "-q", "."),
		getter("git annex get -J2", lacking("git-annex"), "git", "annex", "get", "-q", "-J2", "."),
		getter("datalad get", lacking("datalad"), "datalad", "get", "."),
		b.saveLimits(l)[0],
	}
}
