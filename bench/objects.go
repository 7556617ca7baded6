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

// objectStore is an S3 server on the loopback interface.
type objectStore struct{ stop func() }

// The account of that server and its place: signatures of this version of
// git-annex are valid only where the port is the protocol's and the region is
// called as the host is.
const (
	storeAccess = "benchaccess"
	storeSecret = "benchsecret"
	storeHost   = "127.0.0.2"
)

// startObjectStore runs the server that the tests use, too.
func (b *bench) startObjectStore(ctx context.Context) (*objectStore, error) {
	built := exec.CommandContext(ctx, "scripts/s3-server")
	built.Stderr = os.Stderr
	program, err := built.Output()
	if err != nil {
		return nil, fmt.Errorf("scripts/s3-server: %w", err)
	}
	l, err := net.Listen("tcp", storeHost+":80")
	if err != nil {
		return nil, err // not root, or somebody is there
	}
	l.Close()
	folder, sidecar := filepath.Join(b.tmp, "s3", "buckets"), filepath.Join(b.tmp, "s3", "sidecar")
	for _, dir := range []string{folder, sidecar} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
	}
	cmd := exec.CommandContext(ctx, strings.TrimSpace(string(program)), "--access", storeAccess, "--secret", storeSecret,
		"--port", storeHost+":80", "--region", storeHost, "--quiet", "posix", "--sidecar", sidecar, folder)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &objectStore{stop: func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }}
	for range 200 {
		if resp, err := http.Get("http://" + storeHost + "/"); err == nil {
			resp.Body.Close()
			return s, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	s.stop()
	return nil, fmt.Errorf("the S3 server does not answer")
}

// contentObjects compares transfers to and from an S3 server.
func contentObjects(ctx context.Context, b *bench) error {
	const objects, size = 1000, 10_000
	store, err := b.startObjectStore(ctx)
	if err != nil {
		b.section("Small objects and S3")
		b.note("Not measured: %v.", err)
		return nil
	}
	defer store.stop()
	b.env = append(b.env, "AWS_ACCESS_KEY_ID="+storeAccess, "AWS_SECRET_ACCESS_KEY="+storeSecret)
	source, err := b.objects(ctx, objects, size)
	if err != nil {
		return err
	}
	const ownTo, ownFrom = "stemma annex copy --to", "stemma annex get --from"
	what := fmt.Sprintf("%s objects of %s bytes", thousands(objects), thousands(size))
	progress("%s to S3", what)
	stats, err := b.compare(ctx, b.reps(3), store.senders(b, source)...)
	if err != nil {
		return err
	}
	b.section("%s to S3 on the loopback interface", what)
	b.timing(ownTo, stats)
	b.faster(what+" to S3", stats, ownTo, "git annex copy --to", 5)
	progress("%s from S3", what)
	if stats, err = b.compare(ctx, b.reps(3), store.fetchers(b)...); err != nil {
		return err
	}
	b.section("%s from S3 on the loopback interface", what)
	b.timing(ownFrom, stats)
	b.faster(what+" from S3", stats, ownFrom, "git annex get --from", 5)
	return nil
}

// objects makes a dataset of small files.
func (b *bench) objects(ctx context.Context, n int, size int64) (string, error) {
	dir := filepath.Join(b.tmp, "source-objects")
	if err := b.must(ctx, in(b.tmp, b.stemma, "create", dir)); err != nil {
		return "", err
	}
	for i := range n {
		if err := writeRandom(filepath.Join(dir, fmt.Sprintf("o%04d.bin", i)), size); err != nil {
			return "", err
		}
	}
	return dir, b.must(ctx, in(dir, b.stemma, "save", "-m", "objects"))
}

// sides are the programs that talk to the server, and how they are called.
func (b *bench) sides() []contender {
	return []contender{{name: "stemma annex"}, {name: "git annex", missing: lacking("git-annex")}}
}

func (b *bench) annexWords(side string) []string {
	if side == "git annex" {
		return []string{"git", "annex"}
	}
	return []string{b.stemma, "annex"}
}

func (b *bench) objectClone(side string, rep int) string {
	return filepath.Join(b.tmp, "objects", side, fmt.Sprint(rep))
}

// senders copy the files to a bucket of their own.
func (o *objectStore) senders(b *bench, source string) []contender {
	list := b.sides()
	for i, side := range list {
		annex := b.annexWords(side.name)
		list[i].name += " copy --to"
		list[i].prepare = func(ctx context.Context, rep int) error {
			dir := b.objectClone(side.name, rep)
			bucket := fmt.Sprintf("bucket-%s-%d", strings.ReplaceAll(side.name, " ", "-"), rep)
			params := []string{"initremote", "cloud", "type=S3", "encryption=none", "host=" + storeHost, "port=80", "requeststyle=path", "signature=v4", "bucket=" + bucket}
			if side.name != "git annex" {
				params = append(params, "region="+storeHost)
			}
			return b.must(ctx, in(b.tmp, "mkdir", "-p", filepath.Dir(dir)), in(b.tmp, "cp", "-a", source, dir),
				in(dir, "git", "config", "annex.security.allowed-ip-addresses", storeHost), in(dir, append(annex, params...)...), in(b.tmp, "sync"))
		}
		list[i].command = func(rep int) command {
			return in(b.objectClone(side.name, rep), append(annex, "copy", "-q", "--to", "cloud", ".")...)
		}
	}
	return list
}

// fetchers get what the senders have sent.
func (o *objectStore) fetchers(b *bench) []contender {
	list := b.sides()
	for i, side := range list {
		annex := b.annexWords(side.name)
		list[i].name += " get --from"
		list[i].prepare = func(ctx context.Context, rep int) error {
			return b.must(ctx, in(b.objectClone(side.name, rep), b.stemma, "annex", "drop", "--force", "-q", "."), in(b.tmp, "sync"))
		}
		list[i].command = func(rep int) command {
			return in(b.objectClone(side.name, rep), append(annex, "get", "-q", "--from", "cloud", ".")...)
		}
	}
	return list
}
