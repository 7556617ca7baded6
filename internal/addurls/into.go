package addurls

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/annexcmd"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/result"
)

// into is the work in one dataset.
type into struct {
	*adding
	d      *dataset.Dataset
	s      *annexcmd.Session
	last   annexcmd.Outcome // of the step that ran last
	tagged []*entry         // those that get metadata
	keys   map[*entry]annexkey.Key
}

// one brings the entries of one dataset there. What was done is recorded even
// if an interrupt ends it.
func (a *adding) one(ctx context.Context, sub string, entries []*entry) error {
	d, err := a.open(ctx, sub)
	if err != nil || d == nil {
		return err
	}
	w := &into{adding: a, d: d, keys: map[*entry]annexkey.Key{}}
	if w.s, err = annexcmd.Open(ctx, d, annexcmd.Settings{Fast: a.opt.Fast}); err != nil {
		return err
	}
	w.s.Report = func(o annexcmd.Outcome) error { w.last = o; return nil }
	err = w.s.Sync(ctx)
	for _, e := range entries {
		if err == nil {
			err = w.entry(ctx, e)
		}
	}
	for _, e := range w.tagged {
		if err == nil {
			err = w.metadata(ctx, e)
		}
	}
	return errors.Join(err, w.s.Close(context.WithoutCancel(ctx)), w.s.Release())
}

// open opens the subdataset, or makes it.
func (a *adding) open(ctx context.Context, sub string) (*dataset.Dataset, error) {
	if sub == "" {
		return a.top, nil
	}
	if err := fsx.Beneath(a.top.Path(), sub+"/x"); err != nil {
		return nil, err
	}
	path := filepath.Join(a.top.Path(), filepath.FromSlash(sub))
	if _, err := os.Lstat(filepath.Join(path, ".git")); err == nil {
		d, err := dataset.Open(ctx, path, "add urls", a.opt.Env)
		if err == nil && d.Annex == nil {
			err = fmt.Errorf("%s has no annex", path)
		}
		return d, err
	}
	sink := result.SinkFunc(func(r result.Record) error {
		return a.emit(r.With("addurls.refds", a.top.Path()).With("refds", path))
	})
	d, err := a.opt.Create(ctx, path, sink)
	if err == nil && d != nil {
		a.mu.Lock()
		a.created++
		a.mu.Unlock()
	}
	return d, err
}

func (w *into) path(e *entry) string {
	return filepath.Join(w.top.Path(), filepath.FromSlash(e.file))
}

// name is the file from its own dataset.
func (e *entry) name() string {
	if e.sub == "" {
		return e.file
	}
	return strings.TrimPrefix(e.file, e.sub+"/")
}

func (w *into) entry(ctx context.Context, e *entry) error {
	path := w.path(e)
	if err := fsx.Beneath(w.d.Path(), e.name()); err != nil {
		return w.emit(result.New("addurls", result.Error, path, result.File).Msg(err.Error()))
	}
	if sub, err := w.within(e); sub != "" || err != nil {
		if err == nil {
			err = w.emit(result.New("addurls", result.Error, path, result.File).Msg(
				fmt.Sprintf("%s is a subdataset: write // after it in the file name format", sub)))
		}
		return err
	}
	if fi, err := os.Lstat(path); err == nil {
		switch {
		case w.opt.IfExists == ExistsSkip:
			return w.emit(result.New("addurls", result.NotNeeded, path, result.File))
		case w.opt.IfExists == ExistsOverwrite && !fi.IsDir():
			if err := fsx.RemoveBelow(w.d.Path(), e.name()); err != nil {
				return err
			}
		}
	}
	step := w.download
	if e.key != nil {
		step = w.register
	}
	w.last = annexcmd.Outcome{}
	if err := step(ctx, e); err != nil {
		return err
	}
	if w.last.Failed {
		why := strings.TrimSpace(strings.Join(w.last.Errors, "; "))
		return w.emit(result.New("addurls", result.Error, path, result.File).Msg(fmt.Sprintf("%s (url: %s)", why, e.url)))
	}
	return w.done(ctx, e)
}

// within is a subdataset that the name leads into without saying so, or "".
func (w *into) within(e *entry) (string, error) {
	index, err := w.d.Repo.ReadIndex()
	if err != nil {
		return "", err
	}
	for dir := path.Dir(e.name()); dir != "."; dir = path.Dir(dir) {
		if known, ok := index.Lookup(dir); ok && known.Mode == gitobj.ModeGitlink {
			return dir, nil
		}
		if _, err := os.Lstat(filepath.Join(w.d.Path(), filepath.FromSlash(dir), ".git")); err == nil {
			return dir, nil
		}
	}
	return "", nil
}

func (w *into) download(ctx context.Context, e *entry) error {
	return w.s.AddURL(ctx, e.url, annexcmd.AddURLOptions{File: w.path(e)})
}

// register makes a file of a key without its content.
func (w *into) register(ctx context.Context, e *entry) error {
	k := e.key.key
	if e.key.backend != "" {
		var err error
		if k, err = annexcmd.MigrateName(k, e.key.backend, e.name(), w.d.ExtRule()); err != nil {
			return err
		}
	}
	if err := w.s.RegisterURL(ctx, k, e.url, ""); err != nil {
		return err
	}
	w.s.Force = true // the content is not here
	defer func() { w.s.Force = false }()
	return w.s.FromKey(ctx, k, w.path(e), nil)
}

// done reports an entry that is there.
func (w *into) done(ctx context.Context, e *entry) error {
	path, message := w.path(e), "to "+e.name()
	k := w.last.Key
	if k.IsZero() { // another URL of a file that was there
		f, ok, err := w.s.FileOf(ctx, path)
		if err != nil {
			return err
		}
		if ok {
			k = f.Key
		} else if len(w.last.Notes) > 0 {
			message = w.last.Notes[0].Text
		}
	}
	r := result.New(w.last.Command, result.OK, path, result.File)
	if e.key != nil {
		message = "registered URL"
	}
	if !w.last.Key.IsZero() {
		r = r.With("annexkey", k.String())
	}
	w.mu.Lock()
	w.added = append(w.added, path)
	w.mu.Unlock()
	if err := w.emit(r.Msg(message)); err != nil {
		return err
	}
	if k.IsZero() {
		return nil
	}
	w.keys[e] = k
	if len(e.meta) > 0 {
		w.tagged = append(w.tagged, e)
	}
	if w.opt.DropAfter && e.key == nil {
		return w.drop(ctx, e, k)
	}
	return nil
}

// drop deletes what was just downloaded: it is at its URL.
func (w *into) drop(ctx context.Context, e *entry, k annexkey.Key) error {
	r := result.New("drop", result.OK, w.path(e), result.File).With("annexkey", k.String())
	w.s.Force = true
	defer func() { w.s.Force = false }()
	if err := w.s.DropKey(ctx, k); err != nil {
		return err
	}
	if w.last.Failed {
		r = r.As(result.Error).Msg(strings.Join(w.last.Errors, "; "))
	}
	return w.emit(r)
}

// metadata sets the fields of a file's key and reports all that it has.
func (w *into) metadata(ctx context.Context, e *entry) error {
	k := w.keys[e]
	var edits []annexcmd.MetaEdit
	for _, name := range slices.Sorted(maps.Keys(e.meta)) {
		edits = append(edits, annexcmd.AddMeta(name, e.meta[name]))
	}
	o, err := w.s.Metadata(ctx, annexcmd.KeyFile(k), edits)
	if err != nil {
		return err
	}
	all, _ := o.Fields["fields"].(map[string]any)
	fields := map[string]any{}
	for name, v := range all {
		if name == "lastchanged" || strings.HasSuffix(name, "-lastchanged") {
			continue
		}
		fields[name] = v
		if list, ok := v.([]any); ok && len(list) == 1 {
			fields[name] = list[0]
		}
	}
	return w.emit(result.New("metadata", result.OK, w.path(e), result.File).With("annexkey", k.String()).With("metadata", fields))
}
