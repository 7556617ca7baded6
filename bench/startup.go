package main

import "context"

// startup compares what the programs need to begin.
func startup(ctx context.Context, b *bench) error {
	b.section("Start-up")
	version := func(name, program string, args ...string) contender {
		missing := ""
		if program != b.stemma {
			missing = lacking(program)
		}
		return contender{name: name, missing: missing, command: func(int) command {
			return in(b.tmp, append([]string{program}, args...)...)
		}}
	}
	stats, err := b.compare(ctx, b.reps(31),
		version("stemma version", b.stemma, "version"), version("git --version", "git", "--version"),
		version("git annex version", "git-annex", "version"), version("datalad --version", "datalad", "--version"))
	if err == nil {
		b.timing("stemma version", stats)
	}
	return err
}

// reps is the number of repetitions: a third in quick runs.
func (b *bench) reps(full int) int {
	if b.quick {
		return max(1, full/3)
	}
	return full
}
