package all

import (
	"context"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/exported"
	"github.com/stemma-data/stemma/internal/remote/remotetest"
	"github.com/stemma-data/stemma/test/s3server"
)

// TestS3WithGitAnnex runs both against a real server.
func TestS3WithGitAnnex(t *testing.T) {
	srv := s3server.Start(t)
	proxy := s3server.Proxy(t, srv)
	for i, params := range someOf("encryption=none fileprefix=a/b/ partsize=5MiB", "encryption=shared chunk=100kb", "encryption=none") {
		t.Run(params, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "gpg")
			b.gpgHome()
			b.env = append(b.env, "AWS_ACCESS_KEY_ID="+s3server.Access, "AWS_SECRET_ACCESS_KEY="+s3server.Secret)
			b.more = map[string]string{"host": srv.Host, "port": srv.Port}
			b.git("config", "annex.security.allowed-ip-addresses", "all")
			args := []string{"annex", "initremote", "-q", "s", "type=S3", "host=" + proxy.Host, "port=" + proxy.Port, "requeststyle=path", "signature=v4", "bucket=bench" + string(rune('a'+i))}
			b.git(append(args, strings.Fields(params)...)...)
			b.matrix("s")
		})
	}
}

// TestS3TreesWithGitAnnex: git-annex exports to a bucket, we read and move its
// files and store them anew, and git-annex gets them.
func TestS3TreesWithGitAnnex(t *testing.T) {
	srv := s3server.Start(t)
	proxy := s3server.Proxy(t, srv)
	b := newBench(t)
	b.env = append(b.env, "AWS_ACCESS_KEY_ID="+s3server.Access, "AWS_SECRET_ACCESS_KEY="+s3server.Secret)
	b.more = map[string]string{"host": srv.Host, "port": srv.Port}
	b.git("config", "annex.security.allowed-ip-addresses", "all")
	b.git("annex", "initremote", "-q", "s", "type=S3", "host="+proxy.Host, "port="+proxy.Port, "requeststyle=path", "signature=v4", "bucket=trees", "encryption=none", "exporttree=yes", "fileprefix=a/")
	files := map[string][]byte{"one": []byte("one\n"), "empty": nil, "big.dat": remotetest.Bytes(300000, 1)}
	keys := b.add(files)
	b.git("annex", "export", "-q", "main", "--to", "s")
	s := b.setup("s")
	s.Trees = func(_ context.Context, _ string, visit func(string, annexkey.Key) error) error {
		for name, k := range keys {
			if err := visit(name, k); err != nil {
				return err
			}
		}
		return nil
	}
	r, err := Open(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		b.wantFetched(r, keys[name], content)
	}
	x := r.(*exported.Remote).Tree()
	one := remote.TreeFile{Path: "one", Key: keys["one"]}
	if err := x.(remote.Renamer).RenameFile(t.Context(), one, "d/two"); err != nil {
		t.Fatal(err)
	}
	if ok, err := r.Present(t.Context(), keys["one"]); ok || err != nil {
		t.Errorf("it was moved: %v %v", ok, err)
	}
	object, _ := b.annex.Locate(keys["one"])
	put := remote.TreeContent{File: one, From: remote.Content{Path: object, Size: keys["one"].Size}}
	err = x.PutFiles(t.Context(), []remote.TreeContent{put}, func(_ int, _ string, err error) {
		if err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	b.git("annex", "fsck", "-q", "--from", "s")
	b.git("annex", "drop", "-q", "--force", ".")
	b.git("annex", "get", "-q", "--from", "s", ".")
}
