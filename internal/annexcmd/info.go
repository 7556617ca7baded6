package annexcmd

import (
	"context"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/remote"
)

// Infos are labels and values, in the order in which they are shown.
type Infos struct {
	labels []string
	texts  map[string]string // for people; "" shows nothing
	values map[string]any    // for JSON
	bytes  bool
}

func newInfos(bytes bool) *Infos {
	return &Infos{texts: map[string]string{}, values: map[string]any{}, bytes: bytes}
}

func (i *Infos) add(label, text string, value any) {
	i.labels = append(i.labels, label)
	i.texts[label], i.values[label] = text, value
}

func (i *Infos) size(label string, n byteSum, unknown int) {
	text := i.sumText(n)
	if unknown > 0 {
		text += fmt.Sprintf(" (+ %d unknown size)", unknown)
	}
	i.add(label, text, text)
}

func (i *Infos) sizeText(n int64) string { return i.sumText(sumOf(n)) }

func (i *Infos) sumText(n byteSum) string {
	if i.bytes {
		return n.String()
	}
	return roughSum(n)
}

func roughSize(n int64) string { return roughSum(sumOf(n)) }

// roughSum is git-annex's text with whole words: "83.99 gigabytes".
func roughSum(n byteSum) string {
	value, unit, _ := strings.Cut(n.human(), " ")
	words := map[string]string{
		"B": "byte", "kB": "kilobyte", "MB": "megabyte", "GB": "gigabyte", "TB": "terabyte", "PB": "petabyte",
		"EB": "exabyte", "ZB": "zettabyte", "YB": "yottabyte", "RB": "ronnabyte", "QB": "quettabyte",
	}
	word, ok := words[unit]
	if !ok {
		return value + " " + unit
	}
	if value != "1" {
		word += "s"
	}
	return value + " " + word
}

// Outcome is the record of the information.
func (i *Infos) outcome(item Item) Outcome {
	var b strings.Builder
	for _, l := range i.labels {
		b.WriteString(l + ": " + i.texts[l] + "\n")
	}
	o := item.ok()
	o.Text, o.Fields = b.String(), i.values
	return o
}

// Info tells about the whole repository, and counts what matches.
func (s *Session) Info(ctx context.Context, m *Matcher, inBytes bool) (Outcome, error) {
	r, err := s.Repositories(ctx)
	if err != nil {
		return Outcome{}, err
	}
	i := newInfos(inBytes)
	for _, t := range []annexlog.Trust{annexlog.Trusted, annexlog.Semitrusted, annexlog.Untrusted} {
		i.repositories(r, t)
	}
	i.add("transfers in progress", "none", []any{})
	space := i.diskText(s.D.Annex.Dir(), max(remote.DiskReserve(s.D.Repo.Config), 0))
	i.add("available local disk space", space, space)
	if !s.Fast {
		if err := s.countAll(ctx, m, i); err != nil {
			return Outcome{}, err
		}
	}
	return i.outcome(Item{Command: "info", NoFile: true, Input: []string{}}), nil
}

// firstLine and laterLine begin the lines of a list of repositories.
const firstLine, laterLine = "\n\t", "\n \t"

func (i *Infos) repositories(r *Repositories, level annexlog.Trust) {
	var list []string
	for _, u := range r.All() {
		if r.Trust(u) == level {
			list = append(list, u)
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d", len(list))
	separator := firstLine
	for _, u := range list {
		b.WriteString(separator + r.line(u))
		separator = laterLine
	}
	i.add(trustWords[level]+" repositories", b.String(), r.objects(list))
}

// diskText tells how much transfers may still fill.
func (i *Infos) diskText(dir string, reserve int64) string {
	free, ok := fsx.Free(dir)
	if !ok {
		return "unknown"
	}
	free = max(free-reserve, 0)
	if i.bytes {
		return fmt.Sprintf("%d (+%d reserved)", free, reserve)
	}
	return roughSize(free) + " (+" + roughSize(reserve) + " reserved)"
}

// tally counts keys, as often as they are added.
type tally struct {
	count    int
	bytes    byteSum
	unknown  int
	backends map[string]int64
}

func newTally() *tally { return &tally{backends: map[string]int64{}} }

func (t *tally) add(k annexkey.Key) {
	t.count++
	t.backends[k.Backend]++
	if k.Size >= 0 {
		t.bytes.add(k.Size)
	} else {
		t.unknown++
	}
}

// addIf counts a file that matches.
func (t *tally) addIf(m *Matcher, f File) error {
	ok, err := m.Match(f)
	if ok {
		t.add(f.Key)
	}
	return err
}

func (s *Session) countAll(ctx context.Context, m *Matcher, i *Infos) error {
	local, tree := newTally(), newTally()
	err := s.LocalKeys(func(k annexkey.Key, _ int64) error { return local.addIf(m, KeyFile(k)) })
	if err != nil {
		return err
	}
	err = s.Files(ctx, []string{s.D.Path()}, func(f File) error { return tree.addIf(m, f) })
	if err != nil {
		return err
	}
	i.add("local annex keys", strconv.Itoa(local.count), local.count)
	i.size("local annex size", local.bytes, local.unknown)
	i.add("annexed files in working tree", strconv.Itoa(tree.count), tree.count)
	i.size("size of annexed files in working tree", tree.bytes, tree.unknown)
	bloom := "32 mebibytes (0% full)"
	if i.bytes {
		bloom = "33554432 (0% full)"
	}
	i.add("bloom filter size", bloom, bloom)
	i.backends(tree)
	return nil
}

func (i *Infos) backends(t *tally) {
	sum := map[string]any{}
	for b, n := range t.backends {
		sum[b] = n
	}
	names := make([]string, 0, len(sum))
	for b := range sum {
		names = append(names, b)
	}
	sort.Strings(names)
	text := ""
	for _, b := range names {
		text += fmt.Sprintf("\n\t%s: %d", b, sum[b])
	}
	i.add("backend usage", text, sum)
}

// InfoOf tells about what an argument names: a folder, a remote, a repository, a
// file, a tree or a key; of many files, about those that match. ok is false
// where it is nothing of these.
func (s *Session) InfoOf(ctx context.Context, arg string, m *Matcher, inBytes bool) (o Outcome, ok bool, err error) {
	if arg == "" {
		return o, false, nil
	}
	item := Item{Command: "info " + arg, File: arg, Input: []string{arg}}
	if rel, rerr := s.D.Rel(arg); rerr == nil {
		if fi, serr := os.Stat(s.D.Repo.Path(rel)); serr == nil && fi.IsDir() {
			o, err := s.infoDir(ctx, arg, m, item, inBytes)
			return o, true, err
		}
	}
	r, err := s.Repositories(ctx)
	if err != nil {
		return o, false, err
	}
	if uuid, rerr := r.Resolve(arg); rerr == nil {
		o, err := s.infoRepository(ctx, r, uuid, arg, item, inBytes)
		return o, true, err
	}
	if spec, known := s.remoteNamed(arg); known { // a repository without an annex, or one that cannot be reached
		o, err := s.infoRepository(ctx, r, spec.UUID, arg, item, inBytes)
		return o, true, err
	}
	f, ok, err := s.FileOf(ctx, arg)
	if err != nil {
		return o, false, err
	}
	if ok {
		i := newInfos(inBytes)
		i.add("file", arg, arg)
		s.aboutKey(i, f.Key)
		return i.outcome(item), true, nil
	}
	if k, kerr := annexkey.Parse(arg); kerr == nil && k.Safe() == nil {
		i := newInfos(inBytes)
		s.aboutKey(i, k)
		return i.outcome(item), true, nil
	}
	if !s.isTree(ctx, arg) {
		return o, false, ctx.Err()
	}
	o, err = s.infoTree(ctx, arg, m, item, inBytes)
	return o, true, err
}

// isTree reports whether git knows a tree, or a commit, by the name.
func (s *Session) isTree(ctx context.Context, name string) bool {
	id, err := s.D.Repo.Output(ctx, "rev-parse", "--verify", "--quiet", "--end-of-options", name)
	if err != nil {
		return false
	}
	_, err = s.D.Repo.Output(ctx, "rev-parse", "--verify", "--quiet", strings.TrimSpace(string(id))+"^{tree}")
	return err == nil
}

func (s *Session) aboutKey(i *Infos, k annexkey.Key) {
	size := "unknown"
	if k.Size >= 0 {
		size = i.sizeText(k.Size)
	}
	here := s.D.Annex.Has(k)
	i.add("size", size, size)
	i.add("key", k.String(), k.String())
	i.add("present", strconv.FormatBool(here), here)
}
