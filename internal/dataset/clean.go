package dataset

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/result"
)

// CleanOptions say which temporary files are removed.
type CleanOptions struct {
	What   []string // of CleanTargets; none for all
	DryRun bool     // only report
	Levels int      // of subdatasets that take part
}

// place is a folder of temporary files in .git.
type cleanPlace struct {
	dir, name         string
	content           string // what lies in it, in words
	singular, plurals string
}

var cleanPlaces = []cleanPlace{
	{"datalad/tmp/archives", "cached-archives", "temporary archive", "directory", "directories"},
	{"annex/tmp", "annex-tmp", "temporary annex", "file", "files"},
	{"annex/transfer", "annex-transfer", "annex temporary transfer", "directory", "directories"},
	{"datalad/search_index", "search-index", "metadata search index", "file", "files"},
}

// CleanTargets are the names of what can be cleaned.
func CleanTargets() []string {
	var names []string
	for _, p := range cleanPlaces {
		names = append(names, p.name)
	}
	return names
}

// Clean removes folders of temporary files, and reports one record for each.
func (d *Dataset) Clean(ctx context.Context, opt CleanOptions, sink result.Sink) error {
	sink = within(d.Path(), sink)
	if err := d.clean(opt, sink); err != nil || opt.Levels == 0 {
		return err
	}
	return d.Subdatasets(ctx, SubdatasetsOptions{State: "present", Levels: opt.Levels}, func(s *Subdataset) error {
		rel, err := d.Rel(s.Abs)
		if err != nil {
			return err
		}
		sub, done, err := d.at(ctx, rel)
		if err != nil {
			return err
		}
		defer done()
		return sub.clean(opt, sink)
	})
}

func (d *Dataset) clean(opt CleanOptions, sink result.Sink) error {
	action := "clean"
	if opt.DryRun {
		action = "clean [dry-run]"
	}
	for _, p := range cleanPlaces {
		r := result.New(action, result.NotNeeded, filepath.Join(d.Repo.GitDir, filepath.FromSlash(p.dir)), result.Dir)
		if len(opt.What) == 0 || slices.Contains(opt.What, p.name) {
			var err error
			if r, err = p.clean(r, opt.DryRun); err != nil {
				return err
			}
		}
		if err := sink.Emit(r); err != nil {
			return err
		}
	}
	return nil
}

// clean removes the folder of the record. What is not a folder is left alone.
func (p cleanPlace) clean(r result.Record, dry bool) (result.Record, error) {
	fi, err := os.Lstat(r.Path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !fi.IsDir() {
		return r, nil
	}
	if err != nil {
		return r, fmt.Errorf("clean: %w", err)
	}
	entries, err := os.ReadDir(r.Path)
	if err != nil {
		return r, fmt.Errorf("clean: %w", err)
	}
	verb := "Removed"
	if dry {
		verb = "Discovered"
	}
	r = r.As(result.OK).With("message", p.message(verb, entries))
	if dry {
		return r, nil
	}
	return r, os.RemoveAll(r.Path)
}

func (p cleanPlace) message(verb string, entries []os.DirEntry) result.Tuple {
	var names []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	noun := p.singular
	switch len(names) {
	case 0:
		return result.Tuple{"%s empty %s directory", verb, p.content}
	case 1:
	default:
		noun = p.plurals
	}
	return result.Tuple{"%s %d %s %s: %s", verb, len(names), p.content, noun, strings.Join(names, ", ")}
}
