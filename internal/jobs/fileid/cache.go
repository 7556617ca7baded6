package fileid

import (
	"context"
	"hash"
	"io"
	"io/fs"
	"sync"
	"time"

	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// Cache remembers ids of files that many jobs of one sweep read, so that
// each is hashed once. A nil one remembers nothing.
type Cache struct {
	mu  sync.Mutex
	ids map[string]identity
}

type identity struct {
	stat gitindex.Stat
	oid  gitobj.OID
}

// maxIdentities bounds the memory of a sweep in which each job has inputs of
// its own.
const maxIdentities = 10_000

// settledAfter is the age from which a file's times tell that it changed.
const settledAfter = 2 * time.Second

func (k *Cache) get(p string, fi fs.FileInfo) gitobj.OID {
	if k == nil {
		return ""
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if have := k.ids[p]; have.stat == gitindex.StatOf(fi) {
		return have.oid
	}
	return ""
}

func (k *Cache) put(p string, fi fs.FileInfo, oid gitobj.OID) {
	if k == nil || time.Since(fi.ModTime()) < settledAfter {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ids == nil || len(k.ids) >= maxIdentities {
		k.ids = map[string]identity{}
	}
	k.ids[p] = identity{gitindex.StatOf(fi), oid}
}

// sum reads size bytes, or to the end.
func sum(ctx context.Context, h hash.Hash, r io.Reader, size int64) (gitobj.OID, error) {
	buf := make([]byte, min(size+1, 1<<20))
	for {
		n, err := r.Read(buf)
		h.Write(buf[:n])
		if err == io.EOF {
			return gitobj.FromBytes(h.Sum(nil)), nil
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return "", err
		}
	}
}
