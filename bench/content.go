package main

import (
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// The rows that the limits of this suite refer to.
const (
	ownGet    = "stemma get"
	ownDrop   = "stemma drop"
	plainCopy = "limit: cp -r"
	plainRm   = "limit: rm -r of the content alone"
	oncePass  = "limit: read, hash and write once in Go"
)

// faster checks that own is at least factor times faster than peer, where
// both were measured.
func (b *bench) faster(what string, stats []stat, own, peer string, factor float64) {
	mine, ok := wallOf(stats, own)
	theirs, measured := wallOf(stats, peer)
	if ok && measured {
		times := float64(theirs) / float64(mine)
		b.checked(what, fmt.Sprintf("at least %g × faster than %s", factor, peer), times >= factor, "%.1f ×", times)
	}
}

// within checks that own takes at most factor times as long as the bound.
func (b *bench) within(what string, stats []stat, own, bound string, factor float64) {
	mine, ok := wallOf(stats, own)
	theirs, measured := wallOf(stats, bound)
	if ok && measured {
		times := float64(mine) / float64(theirs)
		b.checked(what, fmt.Sprintf("within %g × of %s", factor, bound), times <= factor, "%.2f ×", times)
	}
}

// source makes a dataset whose annex holds the load.
func (b *bench) source(ctx context.Context, l load) (string, error) {
	dir := filepath.Join(b.tmp, "source-"+filepath.Base(l.folder))
	if _, err := os.Stat(filepath.Join(dir, ".git")); err == nil {
		return dir, nil
	}
	if err := b.filled(ctx, []string{b.stemma, "create"}, dir, l); err != nil {
		return dir, err
	}
	return dir, b.must(ctx, in(dir, b.stemma, "save", "-m", "content"))
}

// contentGet compares how fast content comes from a clone on the same machine.
func contentGet(ctx context.Context, b *bench) error {
	loads, err := b.loads(5)
	if err != nil {
		return err
	}
	for i, l := range loads {
		progress("get of %s", l.name)
		b.section("Get of %s from a local clone", l.name)
		source, err := b.source(ctx, l)
		if err != nil {
			return err
		}
		if err := b.settle(ctx); err != nil {
			return err
		}
		contenders := b.getters(ctx, l, source)
		if i == 1 {
			contenders = append(contenders, b.onePass(l))
		}
		stats, err := b.compare(ctx, l.reps, contenders...)
		if err != nil {
			return err
		}
		b.timing(ownGet, stats)
		if i == 1 {
			b.within("get of "+l.name, stats, ownGet, oncePass, 1.3)
			continue
		}
		b.faster("get of "+l.name, stats, ownGet, "datalad get", 15)
		b.within("get of "+l.name, stats, ownGet, plainCopy, 4)
	}
	return nil
}

// onePass is what a get cannot avoid: the content is read, hashed and written.
func (b *bench) onePass(l load) contender {
	target := filepath.Join(b.tmp, "one-pass")
	return contender{name: oncePass, cleanup: func(int) { remove(target) },
		prepare: func(ctx context.Context, _ int) error { return b.must(ctx, in(b.tmp, "sync")) },
		work:    func() error { return hashInto(filepath.Join(l.folder, "large.bin"), target) }}
}

func hashInto(source, target string) error {
	from, err := os.Open(source)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.Create(target)
	if err != nil {
		return err
	}
	_, err = io.CopyBuffer(struct{ io.Writer }{io.MultiWriter(md5.New(), to)}, struct{ io.Reader }{from}, make([]byte, 1<<20))
	return errors.Join(err, to.Close())
}

// memoryFS is where Linux mounts a file system in memory.
const memoryFS = "/dev/shm"

// contentDrop compares how fast content goes that the origin has as well: where
// the bench runs, and in memory, since the first depends on how long the disk
// takes to free a block as much as on the programs.
func contentDrop(ctx context.Context, b *bench) error {
	loads, err := b.loads(5)
	if err != nil {
		return err
	}
	l := loads[0]
	source, err := b.source(ctx, l)
	if err != nil {
		return err
	}
	b.section("Drop of %s that a local clone has as well", l.name)
	if err := b.drops(ctx, "drop of "+l.name, l, b.tmp, source); err != nil {
		return err
	}
	memory, err := os.MkdirTemp(memoryFS, "stemma-bench-")
	if err != nil {
		return nil // there is none
	}
	defer func() { exec.Command("chmod", "-R", "u+w", memory).Run(); os.RemoveAll(memory) }()
	copied := filepath.Join(memory, "source")
	if err := b.must(ctx, in(memory, "cp", "-a", source, copied)); err != nil {
		return err
	}
	b.section("The same drop in memory (%s)", memoryFS)
	return b.drops(ctx, "drop of "+l.name+" in memory", l, memory, copied)
}

// drops compares drops in clones of source, which lie in dir.
func (b *bench) drops(ctx context.Context, what string, l load, dir, source string) error {
	progress("%s", what)
	if err := b.settle(ctx); err != nil {
		return err
	}
	dropper := func(name, missing string, argv ...string) contender {
		dir := func(rep int) string { return filepath.Join(dir, "drops", name, fmt.Sprint(rep)) }
		return contender{name: name, missing: missing,
			prepare: func(ctx context.Context, rep int) error {
				steps := []command{in(b.tmp, "git", "clone", "-q", source, dir(rep)), b.initAnnex(dir(rep)), in(dir(rep), b.stemma, "get", ".")}
				if name == plainRm {
					steps = append(steps, in(dir(rep), "chmod", "-R", "u+w", ".git/annex/objects"))
				}
				return b.must(ctx, append(steps, in(b.tmp, "sync"))...)
			},
			command: func(rep int) command { return in(dir(rep), argv...) }}
	}
	stats, err := b.compare(ctx, l.reps,
		dropper(ownDrop, b.absent(ctx, "drop"), b.stemma, "drop", "."),
		dropper("git annex drop", lacking("git-annex"), "git", "annex", "drop", "-q", "."),
		dropper("datalad drop", lacking("datalad"), "datalad", "drop", "."),
		dropper(plainRm, "", "rm", "-r", ".git/annex/objects"))
	if err != nil {
		return err
	}
	b.timing(ownDrop, stats)
	b.faster(what, stats, ownDrop, "datalad drop", 20)
	return nil
}
