package s3

import (
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/remotetest"
	"github.com/stemma-data/stemma/internal/remote/s3/bucket"
	"github.com/stemma-data/stemma/test/s3server"
)

func TestTrees(t *testing.T) {
	srv := s3server.Start(t)
	n := 0
	for name, config := range map[string]map[string]string{
		"Own": {}, "OwnVersioned": {"versioning": "yes"}, "Shared": {"importtree": "yes"}, "SharedVersioned": {"importtree": "yes", "versioning": "yes"},
	} {
		t.Run(name, func(t *testing.T) {
			remotetest.RunTree(t, func(t *testing.T) remotetest.Tree {
				n++
				x, r := openTree(t, srv, "trees"+string(rune('a'+n/26))+string(rune('a'+n%26)), config)
				versions := config["versioning"] == "yes"
				return remotetest.Tree{Exporter: x, UTF8: true, Keeps: versions, Folders: versions, Write: writer(r)} // this server keeps folders of old versions
			})
		})
	}
}

// openTree makes a bucket for trees.
func openTree(t *testing.T, srv s3server.Server, bucket string, more map[string]string) (remote.Exporter, *Remote) {
	t.Helper()
	config := map[string]string{"fileprefix": "pre/fix/", "exporttree": "yes"}
	for field, v := range more {
		config[field] = v
	}
	s := setupFor(t, srv, bucket, config)
	s.Force = true
	r := created(t, s)
	x, err := OpenTree(s)
	if err != nil {
		t.Fatal(err)
	}
	return x, r
}

// writer puts objects there as somebody else would.
func writer(r *Remote) func(t *testing.T, path string, content []byte) {
	return func(t *testing.T, path string, content []byte) {
		t.Helper()
		client, err := r.open(t.Context())
		if err == nil {
			_, err = client.Put(t.Context(), bucket.Upload{Object: r.conf.prefix + path, From: strings.NewReader(string(content)), Size: int64(len(content)), PartSize: defaultPart})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
