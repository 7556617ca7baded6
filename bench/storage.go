package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// The account of the S3 server that is measured.
const (
	s3Access = "stemmabench"
	s3Secret = "stemmabenchsecret"
)

// storage compares S3 with a directory as the place where content is kept.
func storage(ctx context.Context, b *bench) error {
	loads, err := b.storageLoads()
	if err != nil {
		return err
	}
	address, stop, why := b.startS3(ctx)
	defer stop()
	for _, l := range loads {
		progress("storage of %s", l.name)
		b.section("S3 against a directory as annex storage: %s", l.name)
		dir := filepath.Join(b.tmp, "storage-"+filepath.Base(l.folder))
		if err := b.filled(ctx, []string{b.stemma, "create"}, dir, l); err != nil {
			return err
		}
		if err := b.must(ctx, in(dir, b.stemma, "save", "-m", "content")); err != nil {
			return err
		}
		places, err := b.places(ctx, dir, address, why)
		if err != nil {
			return err
		}
		stored, err := b.compare(ctx, l.reps, b.storers(dir, places)...)
		if err != nil {
			return err
		}
		b.note("`annex copy --to` (the S3 server is versitygw, on this machine: there is no network in between):")
		b.timing("stemma, directory", stored)
		fetched, err := b.compare(ctx, l.reps, b.fetchers(dir, places)...)
		if err != nil {
			return err
		}
		b.note("`annex get --from`:")
		b.timing("stemma, directory", fetched)
		b.storageWords(stored, fetched)
	}
	return nil
}

// storageLoads are those of a job's outputs: many small files, and a large one.
func (b *bench) storageLoads() ([]load, error) {
	big, many := int64(1_000_000_000), 1000
	if b.quick {
		big, many = 100_000_000, 200
	}
	small := load{thousands(many) + " files of 100 kB", filepath.Join(b.tmp, "stored", "small"), b.reps(3)}
	large := load{fmt.Sprintf("one file of %.1f GB", float64(big)/1e9), filepath.Join(b.tmp, "stored", "large"), b.reps(3)}
	for _, l := range []load{small, large} {
		if err := os.MkdirAll(l.folder, 0o755); err != nil {
			return nil, err
		}
	}
	for i := range many {
		if err := writeRandom(filepath.Join(small.folder, fmt.Sprintf("f%04d.bin", i)), 100_000); err != nil {
			return nil, err
		}
	}
	return []load{small, large}, writeRandom(filepath.Join(large.folder, "large.bin"), big)
}

// startS3 runs the S3 server of the tests; why says what is missing, or "".
func (b *bench) startS3(ctx context.Context) (address string, stop func(), why string) {
	stop = func() {}
	out, err := exec.CommandContext(ctx, "scripts/s3-server", "--no-build").Output()
	if err != nil {
		return "", stop, "the S3 server is not built: scripts/s3-server"
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", stop, err.Error()
	}
	address = l.Addr().String()
	l.Close()
	dir := filepath.Join(b.tmp, "s3")
	for _, sub := range []string{"buckets", "sidecar"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return "", stop, err.Error()
		}
	}
	cmd := exec.CommandContext(ctx, strings.TrimSpace(string(out)), "--access", s3Access, "--secret", s3Secret, "--port", address, "--quiet",
		"posix", "--sidecar", filepath.Join(dir, "sidecar"), filepath.Join(dir, "buckets"))
	if err := cmd.Start(); err != nil {
		return "", stop, err.Error()
	}
	stop = func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }
	for range 200 {
		if resp, err := http.Get("http://" + address + "/"); err == nil {
			resp.Body.Close()
			return address, stop, ""
		}
		time.Sleep(50 * time.Millisecond)
	}
	return "", stop, "the S3 server does not answer"
}

// place is a special remote, by the program that uses it.
type place struct{ name, program, remote, missing string }

// places sets up the special remotes of the dataset.
func (b *bench) places(ctx context.Context, dir, address, why string) ([]place, error) {
	folder := dir + "-remote"
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	steps := []command{in(dir, b.stemma, "annex", "initremote", "-q", "folder", "type=directory", "directory="+folder, "encryption=none")}
	list := []place{{"stemma, directory", b.stemma, "folder", ""}, {"stemma, S3", b.stemma, "s3", why}, {"git-annex, directory", "git-annex", "folder", lacking("git-annex")}}
	if why == "" {
		host, port, _ := net.SplitHostPort(address)
		b.env = append(b.env, "AWS_ACCESS_KEY_ID="+s3Access, "AWS_SECRET_ACCESS_KEY="+s3Secret)
		steps = append(steps, in(dir, "git", "config", "annex.security.allowed-ip-addresses", "all"),
			in(dir, b.stemma, "annex", "initremote", "-q", "s3", "type=S3", "host="+host, "port="+port, "protocol=http", "requeststyle=path", "signature=v4",
				"bucket="+strings.ToLower(filepath.Base(dir)), "encryption=none"))
	}
	return list, b.must(ctx, steps...)
}

// annexCommand is a command of git-annex, by either program.
func (p place) annexCommand(dir string, words ...string) command {
	argv := []string{p.program, "annex"}
	if p.program == "git-annex" {
		argv = argv[:1]
	}
	return in(dir, append(argv, words...)...)
}

func (b *bench) storers(dir string, places []place) (list []contender) {
	for _, p := range places {
		list = append(list, contender{name: p.name, missing: p.missing,
			prepare: func(ctx context.Context, _ int) error {
				return b.must(ctx, p.annexCommand(dir, "drop", "-q", "--force", "--from", p.remote, "."), in(dir, "sync"))
			},
			command: func(int) command { return p.annexCommand(dir, "copy", "-q", "--to", p.remote, ".") }})
	}
	return list
}

func (b *bench) fetchers(dir string, places []place) (list []contender) {
	for _, p := range places {
		list = append(list, contender{name: p.name, missing: p.missing,
			prepare: func(ctx context.Context, _ int) error {
				return b.must(ctx, p.annexCommand(dir, "drop", "-q", "--force", "."), in(dir, "sync"))
			},
			command: func(int) command { return p.annexCommand(dir, "get", "-q", "--from", p.remote, ".") }})
	}
	return list
}

// storageWords says what S3 costs.
func (b *bench) storageWords(stored, fetched []stat) {
	dirOut, ok1 := wallOf(stored, "stemma, directory")
	s3Out, ok2 := wallOf(stored, "stemma, S3")
	dirIn, ok3 := wallOf(fetched, "stemma, directory")
	s3In, ok4 := wallOf(fetched, "stemma, S3")
	if ok1 && ok2 && ok3 && ok4 {
		b.note("S3 takes %s × as long as a directory to store and %s × to fetch.", ratio(s3Out, dirOut), ratio(s3In, dirIn))
	}
}
