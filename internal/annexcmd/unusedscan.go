package annexcmd

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/gitindex"
)

// FindUnused looks for content here that neither the index nor any of the refs
// refers to, and for what lies beside the content, and numbers it in
// annex/unused, badunused and tmpunused. A nil spec stands for all branches and
// tags. With Fast it looks only beside the content.
func (s *Session) FindUnused(ctx context.Context, spec RefSpec) (u Unused, err error) {
	if !s.Fast {
		have := map[annexkey.Key]bool{}
		err = s.LocalKeys(func(k annexkey.Key, _ int64) error { have[k] = true; return nil })
		if err == nil {
			u.Keys, err = s.withoutUse(ctx, have, spec)
		}
	}
	if err == nil {
		u.Bad, err = s.stale(StaleBad)
	}
	if err == nil {
		u.Tmp, err = s.stale(StaleTmp)
	}
	if err != nil {
		return Unused{}, err
	}
	return u, u.write(s)
}

// FindUnusedAt looks for unused content in another repository, by the logs.
func (s *Session) FindUnusedAt(ctx context.Context, uuid string, spec RefSpec) (u Unused, err error) {
	if !s.Fast {
		have := map[annexkey.Key]bool{}
		err = s.LoggedKeys(ctx, func(k annexkey.Key) error {
			has, err := s.has(ctx, k, uuid)
			if has {
				have[k] = true
			}
			return err
		})
		if err == nil {
			u.Keys, err = s.withoutUse(ctx, have, spec)
		}
	}
	if err != nil {
		return Unused{}, err
	}
	return u, u.write(s)
}

// withoutUse takes out the keys that are used, and sorts the others.
func (s *Session) withoutUse(ctx context.Context, have map[annexkey.Key]bool, spec RefSpec) ([]annexkey.Key, error) {
	if err := s.Files(ctx, []string{s.D.Path()}, func(f File) error { delete(have, f.Key); return nil }); err != nil {
		return nil, err
	}
	find := s.tips
	if spec != nil {
		find = func(ctx context.Context) ([]string, error) { return s.chosenTips(ctx, spec) }
	}
	tips, err := find(ctx)
	for _, t := range tips {
		if len(have) == 0 || err != nil {
			break
		}
		err = s.treePaths(ctx, t, func(e gitindex.Entry) error {
			k, ok, err := s.blobKey(ctx, e)
			if ok {
				delete(have, k)
			}
			return err
		})
	}
	return sortedKeys(have), err
}

func sortedKeys(set map[annexkey.Key]bool) []annexkey.Key {
	keys := make([]annexkey.Key, 0, len(set))
	for k := range set {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b annexkey.Key) int { return strings.Compare(a.String(), b.String()) })
	return keys
}

// stale lists the keys whose content lies in a folder beside the annex's.
// Content that is whole in the annex goes there; what is just being transferred
// is left out.
func (s *Session) stale(place Stale) ([]annexkey.Key, error) {
	names, err := os.ReadDir(s.D.Annex.Dir(string(place)))
	if err != nil && !missing(err) {
		return nil, err
	}
	keys := map[annexkey.Key]bool{}
	for _, n := range names {
		k, err := annexkey.FromFile(n.Name())
		switch {
		case err != nil || k.Safe() != nil || !n.Type().IsRegular():
		case place == StaleTmp && s.D.Annex.Downloading(k):
		case s.D.Annex.Has(k):
			if err := os.Remove(s.D.Annex.Dir(string(place), n.Name())); err != nil && !missing(err) {
				return nil, err
			}
		default:
			keys[k] = true
		}
	}
	return sortedKeys(keys), nil
}

// AddUnused gives unused content a file again.
func (s *Session) AddUnused(ctx context.Context, n Numbered) error {
	number := strconv.Itoa(n.Number)
	item := Item{Command: "addunused", File: number, Key: n.Key, Input: []string{number}}
	if n.Stale != "" {
		return s.Report(item.error(fmt.Errorf("cannot addunused %scontent", n.Stale)))
	}
	if err := s.placeKey(ctx, n.Key, "unused."+n.Key.File()); err != nil {
		return s.Report(item.error(err))
	}
	return s.Report(item.ok())
}
