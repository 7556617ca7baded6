package annexcmd

import (
	"context"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/gitindex"
)

// FindUnused looks for content here that neither the index nor any of the refs
// refers to, and numbers it in annex/unused. A nil spec stands for all branches
// and tags.
func (s *Session) FindUnused(ctx context.Context, spec RefSpec) ([]annexkey.Key, error) {
	local := map[annexkey.Key]bool{}
	if err := s.LocalKeys(func(k annexkey.Key, _ int64) error { local[k] = true; return nil }); err != nil {
		return nil, err
	}
	use := func(e gitindex.Entry) error {
		if k, ok, err := s.blobKey(ctx, e); err != nil {
			return err
		} else if ok {
			delete(local, k)
		}
		return nil
	}
	if err := s.Files(ctx, []string{s.D.Path()}, func(f File) error { delete(local, f.Key); return nil }); err != nil {
		return nil, err
	}
	var tips []string
	var err error
	if spec == nil {
		tips, err = s.tips(ctx)
	} else {
		tips, err = s.chosenTips(ctx, spec)
	}
	if err != nil {
		return nil, err
	}
	for _, t := range tips {
		if len(local) == 0 {
			break
		}
		if err := s.treePaths(ctx, t, use); err != nil {
			return nil, err
		}
	}
	keys := make([]annexkey.Key, 0, len(local))
	for k := range local {
		keys = append(keys, k)
	}
	sort.Slice(keys, func(i, j int) bool { return keys[i].String() < keys[j].String() })
	return keys, s.writeUnused(keys)
}

func (s *Session) writeUnused(keys []annexkey.Key) error {
	var b strings.Builder
	now := time.Now().Unix()
	for i, k := range keys {
		fmt.Fprintf(&b, "%d %s %ds\n", i+1, k, now)
	}
	if err := os.MkdirAll(s.D.Annex.Dir(), 0o777); err != nil {
		return err
	}
	return fsx.WriteFile(s.D.Annex.Dir("unused"), []byte(b.String()), 0o644)
}

// Numbered is a key that FindUnused has found.
type Numbered struct {
	Number int
	Key    annexkey.Key
}

// UnusedByNumber are the keys that FindUnused gave the numbers or ranges
// ("2-5", "all").
func (s *Session) UnusedByNumber(args []string) ([]Numbered, error) {
	var all []Numbered
	if err := s.UnusedKeys(func(k annexkey.Key) error { all = append(all, Numbered{len(all) + 1, k}); return nil }); err != nil {
		return nil, err
	}
	var keys []Numbered
	for _, a := range args {
		if a == "all" {
			keys = append(keys, all...)
			continue
		}
		from, to, isRange := strings.Cut(a, "-")
		if !isRange {
			to = from
		}
		first, err1 := strconv.Atoi(from)
		last, err2 := strconv.Atoi(to)
		if err1 != nil || err2 != nil || first < 1 || last < first {
			return nil, fmt.Errorf("%s: expected a number, a range such as 2-5, or all", a)
		}
		if last > len(all) {
			return nil, fmt.Errorf("%d not valid (run git annex unused for list)", last)
		}
		keys = append(keys, all[first-1:last]...)
	}
	return keys, nil
}

// AddUnused gives unused content a file again.
func (s *Session) AddUnused(ctx context.Context, keys []Numbered) error {
	for _, n := range keys {
		k := n.Key
		rel := "unused." + k.File()
		item := Item{Command: "addunused", File: rel, Key: k}
		if err := s.placeKey(ctx, k, rel); err != nil {
			return s.Report(item.error(err))
		}
		if err := s.Report(item.ok()); err != nil {
			return err
		}
	}
	return nil
}
