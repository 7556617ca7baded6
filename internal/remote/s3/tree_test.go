package s3

import (
	"testing"

	"github.com/stemma-data/stemma/internal/remote/remotetest"
	"github.com/stemma-data/stemma/test/s3server"
)

func TestTrees(t *testing.T) {
	srv := s3server.Start(t)
	n := 0
	remotetest.RunTree(t, func(t *testing.T) remotetest.Tree {
		n++
		s := setupFor(t, srv, "trees"+string(rune('a'+n)), map[string]string{"fileprefix": "pre/fix/", "exporttree": "yes"})
		created(t, s)
		x, err := OpenTree(s)
		if err != nil {
			t.Fatal(err)
		}
		return remotetest.Tree{Exporter: x, UTF8: true}
	})
}

func TestTreesWithVersionsAreRefused(t *testing.T) {
	srv := s3server.Start(t)
	s := setupFor(t, srv, "versions", map[string]string{"exporttree": "yes", "versioning": "yes"})
	if _, err := OpenTree(s); err == nil {
		t.Error("opened")
	}
	if _, err := Create(t.Context(), s); err == nil {
		t.Error("created")
	}
}
