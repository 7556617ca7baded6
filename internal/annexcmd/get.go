package annexcmd

import (
	"context"
	"errors"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/transfer"
)

// GetOptions says where content may come from.
type GetOptions struct {
	From    string // only from this remote; "" for all
	Command string // for the report; "" is get
	Move    bool   // the source is to lose it
}

// wanting is a file whose content is to come.
type wanting struct {
	File
	sources []remote.Remote
	tried   []dataset.Peer // remotes that should have it
	where   []string
	from    remote.Remote
	err     error
}

// getPortion is how many files are fetched before they are recorded.
const getPortion = 1024

// Getter collects files and fetches their content.
type Getter struct {
	s       *Session
	opt     GetOptions
	repos   *Repositories
	peers   []dataset.Peer
	waiting []*wanting
	// Portion is how many files are fetched before they are recorded; 1 for
	// long-lived commands.
	Portion int
}

// NewGetter begins to get content.
func (s *Session) NewGetter(ctx context.Context, opt GetOptions) (*Getter, error) {
	r, err := s.Repositories(ctx)
	if err != nil {
		return nil, err
	}
	if opt.Command == "" {
		opt.Command = "get"
	}
	g := &Getter{s: s, opt: opt, repos: r, peers: r.Peers, Portion: getPortion}
	if opt.From != "" {
		p, err := r.Peer(opt.From)
		if err != nil {
			return nil, err
		}
		g.peers = []dataset.Peer{p}
	}
	return g, nil
}

// Add fetches the content of a file, now or with the next portion. It is false
// where nothing is to be done.
func (g *Getter) Add(ctx context.Context, f File) (bool, error) {
	if g.s.D.Annex.Has(f.Key) {
		if f.Rel != "" && g.s.isPointerText(f) {
			return false, g.s.D.Populate(ctx, []annexkey.Key{f.Key})
		}
		return false, nil
	}
	w := &wanting{File: f}
	var err error
	if w.where, err = g.s.Locations(ctx, g.repos, annexlog.LocationPath(f.Key)); err != nil {
		return false, err
	}
	if g.opt.From != "" && !g.speculative(g.peers[0]) && !g.s.holds(ctx, g.peers[0], w.where, f.Key) {
		return false, nil // not there
	}
	if g.s.Auto {
		if take, err := g.s.shallHave(ctx, g.repos, f, w.where); err != nil || !take {
			return false, err
		}
	}
	for _, p := range g.peers {
		if g.opt.From == "" && !contains(w.where, p.UUID()) && !g.speculative(p) {
			continue
		}
		w.tried = append(w.tried, p)
		if p.Remote == nil {
			continue
		}
		w.sources = append(w.sources, p.Remote)
	}
	if !g.s.admits(f.Key) {
		return false, nil
	}
	g.waiting = append(g.waiting, w)
	if len(g.waiting) >= g.Portion {
		return true, g.Flush(ctx)
	}
	return true, nil
}

func (g *Getter) speculative(p dataset.Peer) bool {
	return g.s.D.Repo.Config.Bool("remote."+p.Spec.Name+".annex-speculate-present", false)
}

// shallHave is the question of --auto: is the file preferred content here, or
// are there too few copies?
func (s *Session) shallHave(ctx context.Context, r *Repositories, f File, where []string) (bool, error) {
	wants, configured, err := s.Wants(ctx, f, s.D.Annex.UUID, false)
	if err != nil || configured && wants {
		return wants, err
	}
	num, _, err := s.Copies(ctx, f, true)
	have := 0
	for _, u := range where {
		if r.Trust(u) != annexlog.Untrusted {
			have++
		}
	}
	return have < num, err
}

// Flush fetches what waits, records it, and reports.
func (g *Getter) Flush(ctx context.Context) error {
	files := g.waiting
	g.waiting = nil
	if len(files) == 0 {
		return nil
	}
	failure := g.fetch(ctx, files)
	var keys []annexkey.Key
	for _, w := range files {
		if w.from != nil && !slices.Contains(keys, w.Key) {
			keys = append(keys, w.Key)
		}
	}
	wctx := context.WithoutCancel(ctx)
	if err := errors.Join(g.record(wctx, keys), g.overtake(wctx, files)); err != nil {
		return errors.Join(failure, err)
	}
	for _, w := range files {
		if err := g.report(w); err != nil {
			return err
		}
	}
	return failure
}

// overtake forgets moves that were broken off: now there are copies on both sides.
func (g *Getter) overtake(ctx context.Context, files []*wanting) error {
	if g.opt.Move {
		return nil
	}
	var ways []annex.Moving
	for _, w := range files {
		for _, u := range w.where {
			if w.from != nil {
				ways = append(ways, annex.Moving{From: u, To: g.repos.here, Key: w.Key})
			}
		}
	}
	return g.s.overtaken(ctx, ways)
}

// fetch transfers the keys, some at once, each once.
func (g *Getter) fetch(ctx context.Context, files []*wanting) error {
	first := map[annexkey.Key]*wanting{}
	group, gctx := errgroup.WithContext(ctx)
	const few = 4
	limit := max(g.s.Jobs, few)
	if g.s.Jobs <= 0 && len(files) > 0 && len(files[0].sources) > 0 {
		limit = remote.AtOnce(files[0].sources[0], few)
	}
	group.SetLimit(limit)
	for _, w := range files {
		if first[w.Key] != nil {
			continue
		}
		first[w.Key] = w
		if len(w.sources) == 0 {
			w.err = &transfer.UnavailableError{Key: w.Key}
			continue
		}
		group.Go(func() error {
			w.from, w.err = g.s.D.Getter(g.s.progressOf(w.Item(g.opt.Command), "from")).Get(gctx, w.Key, w.sources)
			return gctx.Err()
		})
	}
	err := group.Wait()
	for _, w := range files {
		if f := first[w.Key]; f != w {
			w.from, w.err = nil, f.err
		}
	}
	return err
}

func (g *Getter) record(ctx context.Context, keys []annexkey.Key) error {
	if len(keys) == 0 {
		return nil
	}
	if err := g.s.D.Annex.SyncObjects(keys); err != nil {
		return err
	}
	for _, k := range keys {
		if err := g.s.SetLocation(ctx, k, g.s.D.Annex.UUID, annexlog.StatusPresent); err != nil {
			return err
		}
	}
	return g.s.D.Populate(ctx, keys)
}

func (g *Getter) report(w *wanting) error {
	item := w.Item(g.opt.Command)
	if w.err == nil {
		if w.from == nil {
			return nil // the same content as another file
		}
		return g.s.Report(item.ok(short("from " + w.from.Name() + "...")))
	}
	var unavailable *transfer.UnavailableError
	if !errors.As(w.err, &unavailable) {
		o := item.error(w.err)
		return g.s.Report(o)
	}
	o := item.failed()
	for _, a := range unavailable.Failed {
		if g.opt.From != "" {
			o.Notes = append(o.Notes, short("from "+a.Remote+"..."))
		}
		o.Errors = append(o.Errors, "  "+a.Err.Error())
		if h := errs.Hint(a.Err); h != "" {
			o.Errors = append(o.Errors, "  "+h)
		}
	}
	return g.s.Report(g.unavailable(o, w))
}

// unavailable says which remotes could have the content.
func (g *Getter) unavailable(o Outcome, w *wanting) Outcome {
	if g.opt.From != "" && len(w.sources) > 0 {
		return o
	}
	var names, elsewhere []string
	for _, p := range w.tried {
		names = append(names, p.Spec.Name)
	}
	for _, u := range w.where {
		tried := slices.ContainsFunc(w.tried, func(p dataset.Peer) bool { return p.UUID() == u })
		if u != g.repos.here && !tried {
			elsewhere = append(elsewhere, u)
		}
	}
	if len(names) > 0 {
		o.Notes = append(o.Notes, long("Unable to access these remotes: "+strings.Join(names, ", ")))
	} else {
		o.Notes = append(o.Notes, short("not available"))
	}
	return g.repos.askElsewhere(o, elsewhere, nil, "No other repository is known to contain the file.")
}
