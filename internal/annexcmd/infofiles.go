package annexcmd

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/stemma-data/stemma/internal/annexlog"
)

// survey counts files and where their content lies.
type survey struct {
	s           *Session
	repos       *Repositories
	match       *Matcher
	local, all  *tally
	held        map[string]byteSum // by repository
	spareCopies map[int]int        // files by how many copies they have more than they need
	wantsCopies bool
}

func (s *Session) survey(ctx context.Context, m *Matcher) (*survey, error) {
	r, err := s.Repositories(ctx)
	return &survey{s: s, repos: r, match: m, local: newTally(), all: newTally(), held: map[string]byteSum{}, spareCopies: map[int]int{}}, err
}

// visit counts a file, if it matches.
func (v *survey) visit(ctx context.Context, f File) error {
	if ok, err := v.match.Match(f); err != nil || !ok {
		return err
	}
	v.all.add(f.Key)
	if v.s.D.Annex.Has(f.Key) {
		v.local.add(f.Key)
	}
	if v.s.Fast {
		return nil
	}
	where, err := v.s.Locations(ctx, v.repos, annexlog.LocationPath(f.Key))
	if err != nil {
		return err
	}
	have := 0
	for _, u := range where {
		sum := v.held[u]
		sum.add(f.Key.Size)
		v.held[u] = sum
		if v.repos.Trust(u) != annexlog.Untrusted {
			have++
		}
	}
	if !v.wantsCopies {
		return nil
	}
	num, _, err := v.s.Copies(ctx, f, true)
	v.spareCopies[have-num]++
	return err
}

// show adds what was counted; place is where the files are.
func (v *survey) show(i *Infos, place string) {
	i.add("local annex keys", strconv.Itoa(v.local.count), v.local.count)
	i.size("local annex size", v.local.bytes, v.local.unknown)
	i.add("annexed files in "+place, strconv.Itoa(v.all.count), v.all.count)
	i.size("size of annexed files in "+place, v.all.bytes, v.all.unknown)
	if v.s.Fast {
		return
	}
	v.showCopies(i)
	v.showHolders(i)
}

func (v *survey) showCopies(i *Infos) {
	text, list := "", []any{}
	for _, n := range slices.Backward(slices.Sorted(maps.Keys(v.spareCopies))) {
		more := fmt.Sprintf("%+d", n)
		text += fmt.Sprintf("\n\tnumcopies %s: %d", more, v.spareCopies[n])
		list = append(list, []any{more, v.spareCopies[n]})
	}
	i.add("numcopies stats", text, list)
}

func (v *survey) showHolders(i *Infos) {
	holders := slices.Sorted(maps.Keys(v.held))
	slices.SortStableFunc(holders, func(a, b string) int { return v.held[b].compare(v.held[a]) })
	sizes, width, sum := map[string]string{}, 0, byteSum{}
	for _, u := range holders {
		sizes[u] = v.held[u].human()
		if i.bytes {
			sizes[u] = v.held[u].String()
		}
		width = max(width, len(sizes[u]))
		sum.plus(v.held[u])
	}
	var b strings.Builder
	list, separator := []any{}, firstLine
	for _, u := range holders {
		fmt.Fprintf(&b, "%s%*s: %s", separator, width, sizes[u], v.repos.line(u))
		separator = laterLine
		o := v.repos.object(u)
		o["size"] = sizes[u]
		list = append(list, o)
	}
	i.add("repositories containing these files", strconv.Itoa(len(holders))+b.String(), list)
	i.size("combined size of repositories containing these files", sum, 0)
}

func (s *Session) infoDir(ctx context.Context, arg string, m *Matcher, item Item, inBytes bool) (Outcome, error) {
	i := newInfos(inBytes)
	i.add("directory", arg, arg)
	v, err := s.survey(ctx, m)
	if err != nil {
		return Outcome{}, err
	}
	v.wantsCopies = true
	if err := s.Files(ctx, []string{arg}, func(f File) error { return v.visit(ctx, f) }); err != nil {
		return Outcome{}, err
	}
	v.show(i, "working tree")
	item.NoFile = true
	return i.outcome(item), nil
}

func (s *Session) infoTree(ctx context.Context, treeish string, m *Matcher, item Item, inBytes bool) (Outcome, error) {
	i := newInfos(inBytes)
	i.add("tree", treeish, treeish)
	v, err := s.survey(ctx, m)
	if err != nil {
		return Outcome{}, err
	}
	if err := s.TreeFiles(ctx, treeish, func(f File) error { return v.visit(ctx, f) }); err != nil {
		return Outcome{}, err
	}
	v.show(i, "tree")
	item.NoFile = true
	return i.outcome(item), nil
}
