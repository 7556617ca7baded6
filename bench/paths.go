package main

import (
	"context"
	"fmt"
)

// runLine is the command of `run`; the folder follows.
const runLine = "sh job.sh "

// paths compares commands that are told which files they are about.
func paths(ctx context.Context, b *bench) error {
	for _, n := range b.sizes {
		r, err := b.repository(ctx, n)
		if err != nil {
			return err
		}
		progress("save PATH and run --explicit among %s files", thousands(n))
		b.section("Among %s tracked files: one text and one binary file", thousands(n))
		stats, err := b.compare(ctx, b.reps(7), b.savers(ctx, r)...)
		if err != nil {
			return err
		}
		b.timing("stemma save PATH", stats)
		stats, err = b.compare(ctx, b.reps(7), b.runners(ctx, r)...)
		if err != nil {
			return err
		}
		b.timing("stemma run --explicit", stats)
	}
	return nil
}

// savers commit two new files by name.
func (b *bench) savers(ctx context.Context, r *repo) []contender {
	saver := func(name, missing string, argv ...string) contender {
		var files []string
		return contender{name: name, missing: missing,
			prepare: func(context.Context, int) (err error) { files, err = r.write(); return err },
			command: func(int) command { return in(r.dir, append(argv[:len(argv):len(argv)], files...)...) }}
	}
	return []contender{
		saver("stemma save PATH", b.absent(ctx, "save"), b.stemma, "save", "-m", "new files"),
		saver("git annex add; git commit", lacking("git-annex"), "sh", "-c", `git annex add -q "$@" && git commit -q -m 'new files' -- "$@"`, "sh"),
		saver("datalad save PATH", lacking("datalad"), "datalad", "save", "-m", "new files"),
	}
}

// runners execute the job and commit what it wrote.
func (b *bench) runners(ctx context.Context, r *repo) []contender {
	runner := func(name, missing, program string) contender {
		return contender{name: name, missing: missing, command: func(int) command {
			folder := r.fresh("runs")
			text, binary := outputs(folder)
			return in(r.dir, program, "run", "--explicit", "-m", "run", "-o", text, "-o", binary, runLine+folder)
		}}
	}
	alone := contender{name: "the program alone", command: func(int) command {
		return in(r.dir, "sh", "job.sh", fmt.Sprintf("%s/alone", b.tmp))
	}}
	return []contender{alone, runner("stemma run --explicit", b.absent(ctx, "run"), b.stemma),
		runner("datalad run --explicit", lacking("datalad"), "datalad")}
}
