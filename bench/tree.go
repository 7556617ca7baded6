package main

import (
	"context"
	"os"
	"path/filepath"
)

// wholeTree compares commands that must look at every file.
func wholeTree(ctx context.Context, b *bench) error {
	for _, n := range b.sizes {
		r, err := b.repository(ctx, n)
		if err != nil {
			return err
		}
		progress("status and save of the whole tree, %s files", thousands(n))
		b.section("The whole tree of %s files", thousands(n))
		own, git, peer := statusers(ctx, b, r)
		stats, err := b.compare(ctx, b.reps(5), own, git, peer)
		if err != nil {
			return err
		}
		b.timing("stemma status", stats)
		if stats, err = b.compare(ctx, b.reps(5), b.treeSavers(ctx, r)...); err != nil {
			return err
		}
		b.note("Save of one new text file that is not named:")
		b.timing("stemma save", stats)
	}
	return nil
}

func statusers(ctx context.Context, b *bench, r *repo) (own, git, peer contender) {
	status := func(name, missing string, argv ...string) contender {
		return contender{name: name, missing: missing, command: func(int) command { return in(r.dir, argv...) }}
	}
	return status("stemma status", b.absent(ctx, "status"), b.stemma, "status"), status("git status", "", "git", "status"),
		status("datalad status", b.crawling("datalad", r.files), "datalad", "status")
}

func (b *bench) treeSavers(ctx context.Context, r *repo) []contender {
	saver := func(name, missing string, argv ...string) contender {
		return contender{name: name, missing: missing,
			prepare: func(context.Context, int) error { return r.writeText() },
			command: func(int) command { return in(r.dir, argv...) }}
	}
	return []contender{
		saver("stemma save", b.absent(ctx, "save"), b.stemma, "save", "-m", "new file"),
		saver("git add -A; git commit", "", "sh", "-c", "git add -A && git commit -q -m 'new file'"),
		saver("datalad save", b.crawling("datalad", r.files), "datalad", "save", "-m", "new file"),
	}
}

// crawling says why a peer's look at the whole tree is left out, or "".
func (b *bench) crawling(program string, files int) string {
	switch {
	case b.quick && files > 50_000:
		return "left out of quick runs"
	case files > 200_000:
		return "left out: minutes"
	}
	return lacking(program)
}

// writeText makes a new text file.
func (r *repo) writeText() error {
	path := filepath.Join(r.dir, r.fresh("texts")+".txt")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte("new\n"), 0o644)
}
