package main

import (
	"context"
	"crypto/md5"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// load is a set of files to be saved or fetched.
type load struct {
	name   string
	folder string
	reps   int
}

// loads writes the source files: a thousand of 100 kB, and one of 2 GB.
func (b *bench) loads(reps int) ([]load, error) {
	big := int64(2_000_000_000)
	if b.quick {
		big = 200_000_000
	}
	small := load{"1,000 files of 100 kB", filepath.Join(b.tmp, "source", "small"), b.reps(reps)}
	large := load{fmt.Sprintf("one file of %.1f GB", float64(big)/1e9), filepath.Join(b.tmp, "source", "large"), min(3, b.reps(reps))}
	if _, err := os.Stat(small.folder); err == nil {
		return []load{small, large}, nil
	}
	for _, l := range []load{small, large} {
		if err := os.MkdirAll(l.folder, 0o755); err != nil {
			return nil, err
		}
	}
	for i := range 1000 {
		if err := writeRandom(filepath.Join(small.folder, fmt.Sprintf("f%04d.bin", i)), 100_000); err != nil {
			return nil, err
		}
	}
	return []load{small, large}, writeRandom(filepath.Join(large.folder, "large.bin"), big)
}

// bulkSave compares how fast content gets into the annex.
func bulkSave(ctx context.Context, b *bench) error {
	loads, err := b.loads(5)
	if err != nil {
		return err
	}
	for _, l := range loads {
		progress("save of %s", l.name)
		b.section("Save of %s", l.name)
		stats, err := b.compare(ctx, l.reps, append(b.bulkSavers(l), b.saveLimits(l)...)...)
		if err != nil {
			return err
		}
		b.timing("stemma save", stats)
		b.checkSave(l, stats)
	}
	return nil
}

func (b *bench) bulkSavers(l load) []contender {
	saver := func(name, missing string, create, argv []string) contender {
		dir := func(rep int) string {
			return filepath.Join(b.tmp, "saves", filepath.Base(l.folder), name, fmt.Sprint(rep))
		}
		return contender{name: name, missing: missing,
			prepare: func(ctx context.Context, rep int) error { return b.filled(ctx, create, dir(rep), l) },
			command: func(rep int) command { return in(dir(rep), argv...) },
			cleanup: func(rep int) { l.drop(dir(rep)) }}
	}
	annexAdd := func(options string) []string {
		return []string{"sh", "-c", "git annex add -q " + options + " . && git commit -q -m content"}
	}
	return []contender{
		saver("stemma save", "", []string{b.stemma, "create"}, []string{b.stemma, "save", "-m", "content"}),
		saver("git annex add; git commit", lacking("git-annex"), nil, annexAdd("")),
		saver("git annex add -J2; git commit", lacking("git-annex"), nil, annexAdd("-J2")),
		saver("datalad save", lacking("datalad"), []string{"datalad", "create"}, []string{"datalad", "save", "-m", "content"}),
	}
}

// drop deletes a large file's dataset. Those of many files stay until the end:
// ext4 does not use the inodes of deleted files again for a minute, and each
// program that creates files meanwhile pays for the search.
func (l load) drop(dir string) {
	if filepath.Base(l.folder) == "large" {
		remove(dir)
	}
}

// filled makes a dataset with the load as untracked files, and waits until the
// disk has them, so that no program pays for another's writes.
func (b *bench) filled(ctx context.Context, create []string, dir string, l load) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	steps := []command{in(b.tmp, append(create[:len(create):len(create)], dir)...)}
	if create == nil {
		steps = []command{in(b.tmp, "git", "init", "-q", dir), in(dir, "git", "annex", "init", "-q", "bench"),
			sh(dir, `echo '* annex.backend=MD5E' > .gitattributes && git add .gitattributes && git commit -q -m init`)}
	}
	steps = append(steps, in(b.tmp, "cp", "-r", l.folder, filepath.Join(dir, "data")), in(b.tmp, "sync"))
	// The folder exists from the second step on only, so each runs by itself.
	for _, step := range steps {
		if err := b.must(ctx, step); err != nil {
			return err
		}
	}
	return nil
}

const hashing = "limit: MD5 in Go, one core"

// saveLimits are what no program can beat: copying, and hashing.
func (b *bench) saveLimits(l load) []contender {
	copies := 0
	copyTo := func() string { return filepath.Join(b.tmp, fmt.Sprintf("copy-%s-%d", filepath.Base(l.folder), copies)) }
	return []contender{
		{name: "limit: cp -r", command: func(int) command { return in(b.tmp, "cp", "-r", l.folder, copyTo()) },
			cleanup: func(int) { l.drop(copyTo()); copies++ }},
		{name: hashing, work: func() error { return hashAll(l.folder) }},
	}
}

func hashAll(folder string) error {
	return filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		_, err = io.Copy(md5.New(), file)
		return err
	})
}

// checkSave compares with the limits that the project set itself.
func (b *bench) checkSave(l load, stats []stat) {
	find := func(name string) (time.Duration, bool) {
		for _, s := range stats {
			if s.name == name {
				return s.wall(), s.measured()
			}
		}
		return 0, false
	}
	own, ok := find("stemma save")
	if !ok {
		return
	}
	if filepath.Base(l.folder) == "large" {
		if limit, ok := find(hashing); ok {
			b.checked("save of "+l.name, "1.3 × hashing in Go", float64(own) <= 1.3*float64(limit), "%.2f ×", float64(own)/float64(limit))
		}
		return
	}
	for _, peer := range []string{"git annex add; git commit", "datalad save"} {
		if theirs, ok := find(peer); ok {
			b.checked("save of "+l.name, "1/5 of "+peer, 5*own <= theirs, "1/%.1f", float64(theirs)/float64(own))
		}
	}
}
