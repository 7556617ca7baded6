package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// annexOnly is the dataset of n annexed files and nothing else, whose content
// lies elsewhere.
func (b *bench) annexOnly(ctx context.Context, n int) (string, error) {
	dir := filepath.Join(b.tmp, fmt.Sprintf("annexed-%d", n))
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	progress("building a repository of %s annexed files", thousands(n))
	if err := b.must(ctx, in(b.tmp, "git", "init", "-q", "-b", "main", dir)); err != nil {
		return "", err
	}
	if err := b.fastImport(ctx, dir, func(w io.Writer) error { return writeAnnexed(w, n) }); err != nil {
		return "", err
	}
	return dir, b.must(ctx, in(dir, "git", "-c", "checkout.workers=0", "checkout", "-q", "-f", "main"), b.initAnnex(dir),
		in(dir, "git", "repack", "-adq"), in(dir, "git", "pack-refs", "--all"), in(b.tmp, "sync"))
}

// writeAnnexed writes that dataset as input of git fast-import.
func writeAnnexed(w io.Writer, n int) error {
	out := bufio.NewWriterSize(w, 1<<20)
	commit(out, "main", "files")
	file(out, "100644", ".datalad/config", "[datalad \"dataset\"]\n\tid = 5eed5eed-0000-4000-8000-000000000002\n")
	for i := range n {
		file(out, "120000", trackedFile(2*i+1), "../../../.git/annex/objects/"+key(2*i+1).ObjectPath())
	}
	commit(out, "git-annex", "locations")
	for i := range n {
		k := key(2*i + 1)
		file(out, "100644", k.HashLower()+"/"+k.File()+".log", "1700000000s 1 "+elsewhere+"\n")
	}
	fmt.Fprint(out, "done\n")
	return out.Flush()
}

// manyKeys is the number of annexed files of this suite's large dataset.
func (b *bench) manyKeys() int {
	if b.quick {
		return 10_000
	}
	return 100_000
}

// contentClone compares clones that are ready for use.
func contentClone(ctx context.Context, b *bench) error {
	n := b.manyKeys()
	source, err := b.annexOnly(ctx, n)
	if err != nil {
		return err
	}
	const own, plain = "stemma clone", "git clone"
	progress("clone of %s annexed files", thousands(n))
	cloner := func(name, missing string, argv ...string) contender {
		dir := func(rep int) string { return filepath.Join(b.tmp, "clones", name, fmt.Sprint(rep)) }
		return contender{name: name, missing: missing,
			prepare: func(ctx context.Context, rep int) error {
				return b.must(ctx, in(b.tmp, "mkdir", "-p", filepath.Dir(dir(rep))), in(b.tmp, "sync"))
			},
			command: func(rep int) command { return in(b.tmp, append(argv, source, dir(rep))...) }}
	}
	stats, err := b.compare(ctx, b.reps(3),
		cloner(own, b.absent(ctx, "clone"), b.stemma, "clone"), cloner(plain, "", "git", "clone", "-q"),
		cloner("datalad clone", lacking("datalad"), "datalad", "clone"))
	if err != nil {
		return err
	}
	b.section("Clone of a dataset with %s annexed files, ready for use", thousands(n))
	b.timing(own, stats)
	b.within(fmt.Sprintf("clone of %s annexed files", thousands(n)), stats, own, plain, 1.5)
	return nil
}

// contentWhereis compares how fast the locations of many keys are told.
func contentWhereis(ctx context.Context, b *bench) error {
	n := b.manyKeys()
	dir, err := b.annexOnly(ctx, n)
	if err != nil {
		return err
	}
	const own, peer = "stemma annex whereis --json", "git annex whereis --json"
	progress("whereis of %s keys", thousands(n))
	asker := func(name, missing string, argv ...string) contender {
		return contender{name: name, missing: missing, command: func(int) command { return in(dir, append(argv, "whereis", "--json")...) }}
	}
	stats, err := b.compare(ctx, b.reps(3), asker(own, "", b.stemma, "annex"), asker(peer, lacking("git-annex"), "git", "annex"))
	if err != nil {
		return err
	}
	b.section("Where %s keys are", thousands(n))
	b.timing(own, stats)
	b.faster(fmt.Sprintf("whereis of %s keys", thousands(n)), stats, own, peer, 10)
	return nil
}
