package chunk

import (
	"context"
	"strconv"
	"strings"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
)

// maxChunks bounds what a log may claim.
const maxChunks = 1 << 24

// split is a form in which content may be stored: count chunks of size bytes,
// or as a whole where size is 0.
type split struct{ size, count int64 }

func (s split) whole() bool { return s.size == 0 }

// key names chunk i, counted from 1.
func (s split) key(k annexkey.Key, i int64) annexkey.Key {
	if !s.whole() {
		k.ChunkSize, k.ChunkNum = s.size, i
	}
	return k
}

// countOf is the number of chunks: even empty content has one.
func countOf(total, size int64) int64 { return max(1, total/size+min(1, total%size)) }

// splits are the forms in which the content may be stored, likeliest first:
// the recorded ones, the whole, and what the configuration would make of it.
func (r *Remote) splits(ctx context.Context, k annexkey.Key) ([]split, error) {
	if err := k.Safe(); err != nil {
		return nil, err
	}
	recorded, err := r.recorded(ctx, k)
	if err != nil {
		return nil, err
	}
	whole := split{0, 1}
	list := append(recorded, whole)
	if r.size == 0 {
		list = append([]split{whole}, recorded...)
	}
	if r.size > 0 && k.Size >= 0 {
		guess := split{r.size, countOf(k.Size, r.size)}
		for _, s := range recorded {
			if s == guess {
				return list, nil
			}
		}
		if guess.count <= maxChunks {
			list = append(list, guess)
		}
	}
	return list, nil
}

// recorded are the forms that the git-annex branch knows.
func (r *Remote) recorded(ctx context.Context, k annexkey.Key) ([]split, error) {
	if r.logs == nil {
		return nil, nil
	}
	data, err := r.logs.Read(ctx, annexlog.KeyPath(k, annexlog.ChunkSuffix))
	if err != nil {
		return nil, err
	}
	var list []split
	for _, e := range annexlog.ParseChunkLog(data).Entries() {
		size, ok := strings.CutPrefix(e.Field, r.UUID()+":")
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(size, 10, 64)
		count, cerr := strconv.ParseInt(e.Value, 10, 64)
		if err == nil && cerr == nil && n > 0 && count > 0 && count <= maxChunks && holds(k, n, count) {
			list = append(list, split{n, count})
		}
	}
	return list, nil
}

// holds reports whether so many chunks of size bytes can be all of the content.
// A log that claims fewer would let a part pass for the whole.
func holds(k annexkey.Key, size, count int64) bool {
	return k.Size < 0 || count == countOf(k.Size, size)
}

// record notes that the content is stored in count chunks; 0: no longer.
func (r *Remote) record(ctx context.Context, k annexkey.Key, size, count int64) error {
	if r.logs == nil {
		return nil
	}
	field, value := r.UUID()+":"+strconv.FormatInt(size, 10), strconv.FormatInt(count, 10)
	now := r.logs.Now()
	return r.logs.Change(ctx, annexlog.KeyPath(k, annexlog.ChunkSuffix), func(old []byte) []byte {
		log := annexlog.ParseChunkLog(old)
		if e, ok := log.Get(field); ok && e.Value == value {
			return old
		}
		changed, err := log.Set(field, value, now)
		if err != nil {
			return old
		}
		return changed
	})
}

// forget notes for every recorded form that it is gone.
func (r *Remote) forget(ctx context.Context, k annexkey.Key) error {
	recorded, err := r.recorded(ctx, k)
	if err != nil {
		return err
	}
	for _, s := range recorded {
		if err := r.record(ctx, k, s.size, 0); err != nil {
			return err
		}
	}
	return nil
}
