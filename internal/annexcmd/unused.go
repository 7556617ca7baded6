package annexcmd

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/fsx"
)

// Unused are lists of content that no file refers to. Their numbers go on from
// one to the next.
type Unused struct {
	Keys []annexkey.Key // what a repository has
	Bad  []annexkey.Key // damaged content that fsck has set aside
	Tmp  []annexkey.Key // content that has come in part
}

// Stale is where content lies that no repository counts; "" for what one does.
type Stale string

// The places, as git-annex names their folders and the files of their numbers.
const (
	StaleBad Stale = "bad"
	StaleTmp Stale = "tmp"
)

// Numbered is a key that was found and got a number.
type Numbered struct {
	Number int
	Key    annexkey.Key
	Stale  Stale
}

// file is where the numbers of a place are kept.
func (p Stale) file() string { return string(p) + "unused" }

// write numbers everything for later commands.
func (u Unused) write(s *Session) error {
	if err := os.MkdirAll(s.D.Annex.Dir(), 0o777); err != nil {
		return err
	}
	n, now := 0, time.Now().Unix()
	for _, l := range []struct {
		place Stale
		keys  []annexkey.Key
	}{{"", u.Keys}, {StaleBad, u.Bad}, {StaleTmp, u.Tmp}} {
		var b strings.Builder
		for _, k := range l.keys {
			n++
			fmt.Fprintf(&b, "%d %s %ds\n", n, k, now)
		}
		if err := fsx.WriteFile(s.D.Annex.Dir(l.place.file()), []byte(b.String()), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// numbered reads the numbers of one place.
func (s *Session) numbered(place Stale) (list []Numbered, err error) {
	text, err := os.ReadFile(s.D.Annex.Dir(place.file()))
	if missing(err) {
		return nil, nil // nothing was looked for, or nothing found
	}
	for line := range strings.Lines(string(text)) {
		w := strings.Fields(line)
		if len(w) < 2 {
			continue
		}
		n, nerr := strconv.Atoi(w[0])
		k, kerr := annexkey.Parse(w[1])
		if nerr == nil && kerr == nil && k.Safe() == nil {
			list = append(list, Numbered{n, k, place})
		}
	}
	return list, err
}

// UnusedKeys visits the keys that `unused` has found last in a repository.
func (s *Session) UnusedKeys(visit func(annexkey.Key) error) error {
	list, err := s.numbered("")
	for _, n := range list {
		if err := visit(n.Key); err != nil {
			return err
		}
	}
	return err
}

// UnusedByNumber visits what FindUnused gave the numbers or ranges ("2-5",
// "all"), up to the first that is wrong.
func (s *Session) UnusedByNumber(args []string, visit func(Numbered) error) error {
	all := map[int]Numbered{}
	for _, place := range []Stale{StaleTmp, StaleBad, ""} {
		list, err := s.numbered(place)
		if err != nil {
			return err
		}
		for _, n := range list {
			all[n.Number] = n
		}
	}
	for _, a := range args {
		if a == "all" {
			for _, n := range slices.SortedFunc(maps.Values(all), func(a, b Numbered) int { return cmp.Compare(a.Number, b.Number) }) {
				if err := visit(n); err != nil {
					return err
				}
			}
			continue
		}
		from, to, isRange := strings.Cut(a, "-")
		if !isRange {
			to = from
		}
		first, err1 := strconv.Atoi(from)
		last, err2 := strconv.Atoi(to)
		if err1 != nil || err2 != nil || last < first {
			return fmt.Errorf("Expected number or range, not %q", a)
		}
		for i := first; i <= last; i++ {
			n, ok := all[i]
			if !ok {
				return fmt.Errorf("%d not valid (run git annex unused for list)", i)
			}
			if err := visit(n); err != nil {
				return err
			}
		}
	}
	return nil
}

// dropStale deletes content that no repository counts.
func (s *Session) dropStale(n Numbered, item Item) error {
	if n.Stale == StaleTmp && s.D.Annex.Downloading(n.Key) {
		return s.Report(item.error(errors.New("its content is just being transferred")))
	}
	err := os.Remove(s.D.Annex.Dir(string(n.Stale), n.Key.File()))
	if err != nil && !missing(err) {
		return s.Report(item.error(err))
	}
	return s.Report(item.ok())
}
