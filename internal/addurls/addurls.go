// Package addurls fills a dataset, and subdatasets of it, with files from a
// table of URLs: templates make URLs, file names, metadata and keys from the
// columns.
package addurls

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/pyfmt"
	"github.com/stemma-data/stemma/internal/result"
)

// What happens to files that are there already.
const (
	ExistsOverwrite = "overwrite"
	ExistsSkip      = "skip"
)

// Options say what is made of a table.
type Options struct {
	Source                string // the table as the user named it, for the commit
	URLFormat, FileFormat string
	Key                   string   // template of keys; "": content is downloaded
	Meta                  []string // templates FIELD=VALUE
	Exclude               string   // columns that are no metadata, as a regular expression
	ExcludeSet            bool     // also an empty Exclude was given: no column is metadata
	Missing               string   // in place of empty values
	Collision             string   // CollisionError…
	IfExists              string   // ExistsOverwrite, ExistsSkip, or "": the URL is added to the file
	Message               string   // of the commit; "" for DataLad's
	DryRun, Fast          bool
	NoSave, DropAfter     bool
	Jobs                  int // datasets at once
	// Create makes a dataset at an absolute path; nil without an error means
	// that a record tells why there is none.
	Create func(ctx context.Context, path string, sink result.Sink) (*dataset.Dataset, error)
	// FileName asks the server what the file at an address is called; "" where
	// it does not say. It is called by several goroutines.
	FileName func(ctx context.Context, address string) string
	Env      dataset.Env
}

// Add brings the files of the table into the dataset at the absolute path top,
// which is made if d is nil. It reports one record for each file and its
// metadata, those of new datasets, and those of the save.
func Add(ctx context.Context, d *dataset.Dataset, top string, t *Table, opt Options, sink result.Sink) error {
	whole := func(s result.Status) result.Record { return result.New("addurls", s, top, result.Dataset) }
	if d != nil && d.Annex == nil {
		return sink.Emit(whole(result.Error).Msg("not an annex repo"))
	}
	p, err := newPlan(ctx, t, &opt)
	switch {
	case err != nil:
		return sink.Emit(whole(result.Error).Msg(err.Error()))
	case p.dropped > 0:
		opt.Env.Log.Warn(fmt.Sprintf("Dropped %d row(s) that had an empty URL", p.dropped))
	}
	if len(p.entries) == 0 {
		return sink.Emit(whole(result.NotNeeded).Msg("No rows to process"))
	}
	if why := p.settle(opt.Collision); why != nil {
		return sink.Emit(whole(result.Error).With("message", why))
	}
	if opt.DryRun {
		p.announce(top, t, opt)
		return sink.Emit(whole(result.OK).Msg("dry-run finished"))
	}
	a := &adding{opt: opt, plan: p, top: d, sink: sink}
	if d == nil {
		there := result.SinkFunc(func(r result.Record) error { return sink.Emit(r.Ref(top)) })
		if a.top, err = opt.Create(ctx, top, there); err != nil || a.top == nil {
			return err
		}
	}
	if err := a.all(ctx); err != nil {
		return err
	}
	if opt.NoSave {
		return nil
	}
	return a.save(ctx)
}

// announce logs what would be done.
func (p *plan) announce(top string, t *Table, opt Options) {
	log := opt.Env.Log
	for _, s := range p.subs {
		log.Info("Would create a subdataset at " + s)
	}
	for _, e := range p.entries {
		verb := "download"
		if e.key != nil {
			verb = "register"
		}
		if e.ignore {
			log.Info("Would ignore row due to collision: " + pyfmt.Repr(t.rows[e.row]))
		} else {
			log.Info(fmt.Sprintf("Would %s %s to %s", verb, e.url, filepath.Join(top, filepath.FromSlash(e.file))))
		}
		var meta []string
		for name, value := range e.meta {
			meta = append(meta, name+"="+value)
		}
		slices.Sort(meta)
		log.Info("Metadata: " + pyfmt.Repr(meta))
	}
}

// adding is one call.
type adding struct {
	opt     Options
	plan    *plan
	top     *dataset.Dataset
	sink    result.Sink
	mu      sync.Mutex
	added   []string // files, absolute
	created int      // subdatasets
}

// emit reports from any goroutine.
func (a *adding) emit(r result.Record) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.sink.Emit(r)
}

// bySub are the entries that count, by their dataset.
func (a *adding) bySub() map[string][]*entry {
	m := map[string][]*entry{}
	for _, e := range a.plan.entries {
		if !e.ignore {
			m[e.sub] = append(m[e.sub], e)
		}
	}
	return m
}

// all works through the datasets: those of one level at once, after those that
// they lie in.
func (a *adding) all(ctx context.Context) error {
	entries := a.bySub()
	subs := append([]string{""}, a.plan.subs...)
	for len(subs) > 0 {
		n := 1
		for n < len(subs) && level(subs[n]) == level(subs[0]) {
			n++
		}
		group, gctx := errgroup.WithContext(ctx)
		group.SetLimit(max(1, a.opt.Jobs))
		for _, s := range subs[:n] {
			if s == "" && len(entries[s]) == 0 {
				continue
			}
			group.Go(func() error { return a.one(gctx, s, entries[s]) })
		}
		if err := group.Wait(); err != nil {
			return err
		}
		subs = subs[n:]
	}
	return nil
}

func level(sub string) int {
	if sub == "" {
		return 0
	}
	return 1 + strings.Count(sub, "/")
}

// save records the files, and the subdatasets in those that hold them.
func (a *adding) save(ctx context.Context) error {
	paths := slices.Clone(a.added)
	for _, s := range a.plan.subs {
		paths = append(paths, filepath.Join(a.top.Path(), filepath.FromSlash(s)))
	}
	if len(paths) == 0 { // to Save that means everything
		return a.emit(result.New("save", result.NotNeeded, a.top.Path(), result.Dataset).Ref(a.top.Path()))
	}
	_, err := a.top.Save(ctx, dataset.SaveOptions{Paths: paths, FromTop: true, Message: a.message(), Jobs: a.opt.Jobs, Reason: "stemma addurls"}, a.sink)
	return err
}

func (a *adding) message() string {
	if a.opt.Message != "" {
		return a.opt.Message
	}
	text := fmt.Sprintf("[DATALAD] add %d files to %d (sub)datasets from URLs\n\n", len(a.added), len(a.bySub()))
	if a.created > 0 {
		text += fmt.Sprintf("%d subdatasets were created\n\n", a.created)
	}
	return text + fmt.Sprintf("url_file='%s'\nurl_format='%s'\nfilename_format='%s'", a.opt.Source, a.opt.URLFormat, a.opt.FileFormat)
}
