package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// repo is a dataset with a known number of tracked files.
type repo struct {
	dir   string
	files int
	next  int // number of the next new path, so that none is used twice
}

// layout changes when the form of the big repositories does, so that old ones in
// a cache are not used.
const layout = "v2"

const baseFile = ".git/bench-base" // the commits of both branches, and the pack

// repository returns the dataset of n files in its first state: one pack, no
// racy index entries, nothing of earlier experiments.
func (b *bench) repository(ctx context.Context, n int) (*repo, error) {
	return b.repositoryAt(ctx, n, fmt.Sprintf("%s-%d", layout, n))
}

// repositoryAt is repository with a place in the cache.
func (b *bench) repositoryAt(ctx context.Context, n int, place string) (*repo, error) {
	r := b.repos[place]
	if r == nil {
		folder := b.cache
		if folder == "" {
			folder = filepath.Join(b.tmp, "repositories")
		}
		dir, err := filepath.Abs(filepath.Join(folder, place))
		if err != nil {
			return nil, err
		}
		r = &repo{dir: dir, files: n}
		if _, err := os.Stat(filepath.Join(dir, baseFile)); err != nil {
			progress("building a repository of %s files", thousands(n))
			remove(dir)
			if err := b.build(ctx, r); err != nil {
				return nil, fmt.Errorf("build the repository of %d files: %w", n, err)
			}
		}
		b.repos[place] = r
	}
	return r, b.reset(ctx, r)
}

func (b *bench) build(ctx context.Context, r *repo) error {
	if err := os.MkdirAll(r.dir, 0o755); err != nil {
		return err
	}
	if err := b.must(ctx, in(r.dir, "git", "init", "-q", "-b", "main")); err != nil {
		return err
	}
	if err := b.fastImport(ctx, r.dir, func(w io.Writer) error { return writeStream(w, r.files) }); err != nil {
		return err
	}
	err := b.must(ctx,
		in(r.dir, "git", "-c", "checkout.workers=0", "checkout", "-q", "-f", "main"),
		b.initAnnex(r.dir),
		in(r.dir, "git", "repack", "-adq"),
		in(r.dir, "git", "pack-refs", "--all"))
	if err != nil {
		return err
	}
	base, err := b.output(ctx, r.dir, "git", "rev-parse", "main", "git-annex")
	if err != nil {
		return err
	}
	packs, err := filepath.Glob(filepath.Join(r.dir, ".git/objects/pack/*.pack"))
	if err != nil || len(packs) != 1 {
		return fmt.Errorf("%d packs instead of one: %w", len(packs), err)
	}
	return os.WriteFile(filepath.Join(r.dir, baseFile), []byte(base+"\n"+filepath.Base(packs[0])+"\n"), 0o644)
}

// fastImport feeds git fast-import in the repository with what write writes.
func (b *bench) fastImport(ctx context.Context, dir string, write func(io.Writer) error) error {
	cmd := exec.CommandContext(ctx, "git", "fast-import", "--quiet", "--done")
	cmd.Dir, cmd.Env, cmd.Stderr = dir, b.env, os.Stderr
	stream, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	written := write(stream)
	stream.Close()
	if err := cmd.Wait(); err != nil {
		return err
	}
	return written
}

// initAnnex makes the clone a git-annex repository, by the real program where
// there is one.
func (b *bench) initAnnex(dir string) command {
	if lacking("git-annex") == "" {
		return in(dir, "git", "annex", "init", "-q", "bench")
	}
	return in(dir, b.stemma, "create", "--force", ".")
}

// reset takes a repository back to its first state.
func (b *bench) reset(ctx context.Context, r *repo) error {
	data, err := os.ReadFile(filepath.Join(r.dir, baseFile))
	if err != nil {
		return err
	}
	base := strings.Fields(string(data))
	if len(base) != 3 {
		return fmt.Errorf("%s is damaged", baseFile)
	}
	for _, leftover := range []string{"index.lock", "stemma", "annex/objects", "annex/journal", "annex/index", "annex/index.lck", "annex/tmp"} {
		remove(filepath.Join(r.dir, ".git", leftover))
	}
	if err := b.joinIndex(ctx, r); err != nil {
		return err
	}
	err = b.must(ctx,
		in(r.dir, "git", "checkout", "-q", "-f", "main"),
		in(r.dir, "git", "reset", "-q", "--hard", base[0]),
		in(r.dir, "git", "update-ref", "refs/heads/git-annex", base[1]),
		in(r.dir, "git", "update-ref", "-d", "refs/annex/last-index"),
		in(r.dir, "git", "clean", "-ffdxq"),
		in(r.dir, "git", "pack-refs", "--all"))
	if err != nil {
		return err
	}
	// Stemma joins small packs; this one must be there again the next time.
	mark := strings.TrimSuffix(filepath.Join(r.dir, ".git/objects/pack", base[2]), ".pack") + ".keep"
	if err := os.WriteFile(mark, nil, 0o644); err != nil {
		return err
	}
	if err := dropObjects(filepath.Join(r.dir, ".git/objects"), base[2]); err != nil {
		return err
	}
	return settle(r)
}

// joinIndex ends the use of a split index, and removes the shared files.
func (b *bench) joinIndex(ctx context.Context, r *repo) error {
	shared, err := filepath.Glob(filepath.Join(r.dir, ".git", "sharedindex.*"))
	if err != nil || len(shared) == 0 {
		return err
	}
	if err := b.must(ctx, in(r.dir, "git", "update-index", "--no-split-index")); err != nil {
		return err
	}
	for _, file := range shared {
		remove(file)
	}
	return nil
}

// dropObjects deletes every object that is not in the pack called keep.
func dropObjects(objects, keep string) error {
	loose, err := filepath.Glob(filepath.Join(objects, "??"))
	if err != nil {
		return err
	}
	for _, dir := range loose {
		remove(dir)
	}
	packs, err := filepath.Glob(filepath.Join(objects, "pack", "*"))
	if err != nil {
		return err
	}
	name := strings.TrimSuffix(keep, ".pack")
	for _, file := range packs {
		if !strings.HasPrefix(filepath.Base(file), name) {
			if err := os.Remove(file); err != nil {
				return err
			}
		}
	}
	return nil
}

// settle makes the index newer than every file it lists. Nobody edits files
// here, so the new time hides no change.
func settle(r *repo) error {
	time.Sleep(1100 * time.Millisecond)
	now := time.Now()
	return os.Chtimes(filepath.Join(r.dir, ".git", "index"), now, now)
}

// fresh returns a path that was never used in this repository.
func (r *repo) fresh(prefix string) string {
	r.next++
	return fmt.Sprintf("%s/%05d", prefix, r.next)
}

// nested is fresh with a hundred paths in each folder. In one of many thousand
// entries git would write the whole folder anew for each commit.
func (r *repo) nested(prefix string) string {
	r.next++
	return fmt.Sprintf("%s/%03d/%02d", prefix, r.next/100, r.next%100)
}

// write makes one text and one binary file in a new folder and returns their paths.
func (r *repo) write() ([]string, error) {
	text, binary := outputs(r.fresh("new"))
	if err := os.MkdirAll(filepath.Dir(filepath.Join(r.dir, text)), 0o755); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(r.dir, text), []byte(time.Now().String()+"\n"), 0o644); err != nil {
		return nil, err
	}
	return []string{text, binary}, writeRandom(filepath.Join(r.dir, binary), 100_000)
}
